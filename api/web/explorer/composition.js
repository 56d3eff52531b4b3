// A starting operation for a field: its required arguments as variables, and a selection.

import { named, written } from "./schema.js";

const LEAVES_ENOUGH = 3; // with fewer of its own, a type is shown with those of its objects
const FIRST_VALUES = { Int: 1, Float: 1, Boolean: false };

/** Returns {query, variables} for a field of a root type. */
export function operationFor(schema, kind, field) {
  const needed = field.args.filter((each) => each.type.kind === "NON_NULL" && each.defaultValue === null);
  const name = field.name[0].toUpperCase() + field.name.slice(1);
  const declared = needed.map((each) => `$${each.name}: ${written(each.type)}`).join(", ");
  const passed = needed.map((each) => `${each.name}: $${each.name}`).join(", ");
  const selection = selectionOf(schema, named(field.type), "  ", true);
  const lines = [
    `${kind} ${name}${declared && `(${declared})`} {`,
    `  ${field.name}${passed && `(${passed})`}${selection}`,
    "}",
    "",
  ];
  const values = needed.map((each) => [each.name, firstValue(schema, each.type)]);
  const variables = values.length ? JSON.stringify(Object.fromEntries(values), null, 2) : "";
  return { query: lines.join("\n"), variables };
}

/** Returns a selection of the leaf fields of a type; nothing if the type is a leaf. */
function selectionOf(schema, name, indent, goesOn) {
  const type = schema.types.get(name);
  if (type.kind === "UNION") return " { __typename }";
  if (!type.fields) return "";
  const askable = type.fields.filter((each) => !each.isDeprecated && each.args.every(isOptional));
  const isLeaf = (each) => !["OBJECT", "INTERFACE", "UNION"].includes(schema.types.get(named(each.type)).kind);
  const leaves = askable.filter(isLeaf);
  const objects = goesOn && leaves.length < LEAVES_ENOUGH ? askable.filter((each) => !isLeaf(each)) : [];
  const inner = `${indent}  `;
  const lines = [
    ...leaves.map((each) => inner + each.name),
    ...objects.map((each) => inner + each.name + selectionOf(schema, named(each.type), inner, false)),
  ];
  return ` {\n${(lines.length ? lines : [`${inner}__typename`]).join("\n")}\n${indent}}`;
}

const isOptional = (argument) => argument.type.kind !== "NON_NULL" || argument.defaultValue !== null;

/** Returns a placeholder value of the right type. */
function firstValue(schema, type) {
  if (type.kind === "NON_NULL") return firstValue(schema, type.ofType);
  if (type.kind === "LIST") return [firstValue(schema, type.ofType)];
  const { kind, name, enumValues, inputFields } = schema.types.get(type.name);
  if (kind === "ENUM") return enumValues[0].name;
  if (kind !== "INPUT_OBJECT") return FIRST_VALUES[name] ?? "";
  const needed = inputFields.filter((each) => !isOptional(each));
  return Object.fromEntries(needed.map((each) => [each.name, firstValue(schema, each.type)]));
}
