// The schema, from introspection.

const TYPE_REF = "kind name ofType { ".repeat(8) + "kind name" + " }".repeat(8);
const VALUE = `name description defaultValue type { ${TYPE_REF} }`;

export const INTROSPECTION = `query Introspection { __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  types {
    kind name description specifiedByURL
    fields(includeDeprecated: true) {
      name description isDeprecated deprecationReason
      args { ${VALUE} } type { ${TYPE_REF} }
    }
    inputFields { ${VALUE} }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { name }
  }
} }`;

export class Schema {
  constructor(introspected) {
    this.types = new Map(introspected.types.map((type) => [type.name, type]));
    this.roots = new Map(
      ["query", "mutation", "subscription"].flatMap((kind) => {
        const name = introspected[`${kind}Type`]?.name;
        return name ? [[kind, name]] : [];
      }),
    );
  }

  /** Returns the types by name, without introspection's own types. */
  get own() {
    return [...this.types.values()]
      .filter((type) => !type.name.startsWith("__"))
      .sort((one, other) => one.name.localeCompare(other.name));
  }

  /** Returns a field of a type, or undefined. */
  field(typeName, name) {
    return this.types.get(typeName)?.fields?.find((field) => field.name === name);
  }

  /** Returns the fields and types that match all words; matches in names come first. */
  search(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => wanted.every((word) => text.toLowerCase().includes(word));
    const types = this.own.filter((type) => fits(type.name));
    const members = this.own.flatMap((type) =>
      (type.fields ?? type.inputFields ?? type.enumValues ?? [])
        .filter((member) => fits(`${type.name}.${member.name}`) && wanted.some((word) => member.name.toLowerCase().includes(word)))
        .map((member) => ({ type, member })),
    );
    return { types, members };
  }
}

/** Returns the name of the type inside list and non-null types. */
export function named(type) {
  return type.ofType ? named(type.ofType) : type.name;
}

/** Returns a type as a document writes it. */
export function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
}
