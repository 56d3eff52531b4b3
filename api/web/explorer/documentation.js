// The schema browser: searches types and follows links between them.

import { named, written } from "./schema.js";

const MOST = 50;
const KINDS = {
  OBJECT: "Object",
  INPUT_OBJECT: "Input",
  ENUM: "Enum",
  SCALAR: "Scalar",
  INTERFACE: "Interface",
  UNION: "Union",
};

export class Documentation {
  /** `tryOut` is called with the kind of operation and the field that the user selects. */
  constructor(page, path, search, tryOut) {
    this.tryOut = tryOut;
    this.page = page;
    this.path = path;
    this.search = search;
    this.trail = [];
    search.addEventListener("input", () => this.show());
    search.addEventListener("keydown", (event) => {
      if (event.key === "Escape") search.value = "";
      if (event.key === "Escape") this.show();
    });
    this.say("Enter a token to see the schema.");
  }

  /** Shows a message instead of a schema. */
  say(sentence) {
    this.schema = null;
    this.path.replaceChildren();
    this.page.replaceChildren(element("p", { textContent: sentence }));
  }

  load(schema) {
    this.schema = schema;
    this.trail = this.trail.filter((name) => schema.types.has(name));
    this.show();
  }

  /** Opens a type; returns to it if it is in the path. */
  go(name) {
    const at = this.trail.indexOf(name);
    this.trail = at < 0 ? [...this.trail, name] : this.trail.slice(0, at + 1);
    this.search.value = "";
    this.show();
    this.page.scrollTop = 0;
    this.page.focus();
  }

  home() {
    this.trail = [];
    this.show();
    this.page.focus();
  }

  show() {
    if (!this.schema) return;
    const words = this.search.value.trim();
    const type = this.schema.types.get(this.trail.at(-1));
    this.showPath();
    if (words) this.page.replaceChildren(...this.found(words));
    else this.page.replaceChildren(...(type ? this.ofType(type) : this.overview()));
  }

  showPath() {
    const steps = this.trail.map((name, index) =>
      index === this.trail.length - 1
        ? element("span", { textContent: name, ariaCurrent: "page" })
        : this.link(name),
    );
    const home = element("button", { className: "link", type: "button", textContent: "Schema" });
    home.addEventListener("click", () => this.home());
    const parts = steps.flatMap((step) => [element("span", { textContent: "›", ariaHidden: "true" }), step]);
    this.path.replaceChildren(...(this.trail.length ? [home, ...parts] : []));
  }

  overview() {
    const roots = [...this.schema.roots.values()];
    const rest = this.schema.own.filter((type) => !roots.includes(type.name));
    return [
      ...this.group("Root types", roots.map((name) => this.line(this.schema.types.get(name)))),
      ...this.group("Types", rest.map((type) => this.line(type))),
    ];
  }

  found(words) {
    const { types, members } = this.schema.search(words);
    if (!types.length && !members.length) {
      return [element("p", { textContent: `No results for “${words}”.` })];
    }
    return [
      ...this.group("Types", types.slice(0, MOST).map((type) => this.line(type))),
      ...this.group(
        "Fields, input fields, values",
        members.slice(0, MOST).map(({ type, member }) => {
          const signature = element("div", { className: "signature" });
          signature.append(this.link(type.name), `.${member.name}`);
          return block(signature, ...described(member));
        }),
      ),
    ];
  }

  ofType(type) {
    const parts = [element("h2", { textContent: type.name }), ...described(type)];
    if (type.specifiedByURL) parts.push(paragraph(`Specified by ${type.specifiedByURL}`));
    const kind = [...this.schema.roots].find(([, root]) => root === type.name)?.[0];
    const fields = (type.fields ?? []).map((field) => this.field(field, kind));
    const inputs = (type.inputFields ?? []).map((input) => block(this.value(input), ...described(input)));
    const values = (type.enumValues ?? []).map((value) =>
      block(element("div", { className: "signature", textContent: value.name }), ...described(value)),
    );
    const possible = (type.possibleTypes ?? []).map(({ name }) => this.line(this.schema.types.get(name)));
    const used = this.users(type.name).map(({ owner, field }) => {
      const signature = element("div", { className: "signature" });
      signature.append(this.link(owner.name), `.${field.name}`);
      return signature;
    });
    return [
      ...parts,
      ...this.group("Fields", fields),
      ...this.group("Fields", inputs),
      ...this.group("Values", values),
      ...this.group("One of", possible),
      ...this.group("Returned by", used),
    ];
  }

  /** Returns the fields that return a type. */
  users(name) {
    return this.schema.own.flatMap((owner) =>
      (owner.fields ?? [])
        .filter((field) => named(field.type) === name)
        .map((field) => ({ owner, field })),
    );
  }

  /** Returns a field; a field of a root type has a button to try it. */
  field(field, kind = null) {
    const signature = element("div", { className: "signature" });
    signature.append(element("span", { textContent: field.name }), ": ", this.type(field.type));
    if (kind) signature.prepend(this.trial(kind, field)); // it floats
    const parts = [signature, ...described(field)];
    if (field.args.length) {
      const list = element("div", { className: "arguments" });
      list.append(...field.args.map((argument) => row(this.value(argument), ...described(argument))));
      parts.push(list);
    }
    return block(...parts);
  }

  /** Returns an argument or a field of an input: name, type and default. */
  value(input) {
    const signature = element("div", { className: "signature" });
    signature.append(
      element("span", { className: "argument", textContent: input.name }),
      ": ",
      this.type(input.type),
    );
    if (input.defaultValue !== null) signature.append(` = ${input.defaultValue}`);
    return signature;
  }

  type(type) {
    const [before, after] = written(type).split(named(type));
    const shown = document.createDocumentFragment();
    shown.append(before, this.link(named(type)), after);
    return shown;
  }

  trial(kind, field) {
    const button = element("button", {
      className: "try",
      type: "button",
      textContent: "Try",
      ariaLabel: `Try ${field.name}`,
    });
    button.addEventListener("click", () => this.tryOut(kind, field));
    return button;
  }

  line(type) {
    const signature = element("div", { className: "signature" });
    signature.append(this.link(type.name));
    return block(signature, ...described({ ...type, description: type.description || KINDS[type.kind] }));
  }

  link(name) {
    const link = element("button", { className: "link", type: "button", textContent: name });
    link.addEventListener("click", () => this.go(name));
    return link;
  }

  group(title, items) {
    return items.length ? [element("h3", { textContent: title }), ...items] : [];
  }
}

/** Returns the paragraphs of a description, and of a deprecation. */
function described(member) {
  const parts = member.description ? [paragraph(member.description)] : [];
  if (!member.isDeprecated) return parts;
  const warning = paragraph(`Deprecated. ${member.deprecationReason ?? ""}`);
  warning.className = "warn";
  return [...parts, warning];
}

/** Returns a paragraph; text between backticks becomes code. */
function paragraph(text) {
  const shown = element("p");
  text.split("`").forEach((part, index) => {
    shown.append(index % 2 ? element("code", { textContent: part }) : part);
  });
  return shown;
}

function block(...parts) {
  const shown = row(...parts);
  shown.className = "item";
  return shown;
}

function row(...parts) {
  const shown = element("div");
  shown.append(...parts);
  return shown;
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
