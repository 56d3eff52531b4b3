// Completions at a position of a document: fields, arguments, values and types.

import { graphqlTokens } from "./language.js";
import { named, written } from "./schema.js";

const OPERATIONS = ["query", "mutation", "subscription", "fragment"];
const MOST = 60;
const SEARCHED = 3; // characters, from which on names that hold them are offered, too

/** Returns {from, items} for the word before the cursor; each item is {text, type, description}. */
export function completionsAt(schema, text, cursor) {
  const word = text.slice(0, cursor).match(/[$@]?\w*$/)[0];
  const from = cursor - word.length;
  const before = graphqlTokens(text.slice(0, from));
  const last = before.at(-1);
  const inside = last && ["comment", "string"].includes(last.kind) && isOpen(last, text, from);
  if (inside) return { from, items: [] };
  const begun = (item) => item.text.toLowerCase().startsWith(word.toLowerCase());
  const holds = (item) => word.length >= SEARCHED && item.text.toLowerCase().includes(word.toLowerCase());
  const all = offered(schema, placeAfter(schema, before), word, text).filter((item) => item.text !== word);
  const others = all.filter((item) => !begun(item) && holds(item));
  return { from, items: [...all.filter(begun), ...others].slice(0, MOST) };
}

/** Returns whether the cursor is in a comment or a string. */
function isOpen(token, text, from) {
  const between = text.slice(token.start + token.text.length, from);
  if (token.kind === "comment") return !between.includes("\n");
  return between === "" && !/^("""[^]*"""|"[^"]*")$/.test(token.text);
}

/** Reads the tokens before the cursor, and returns the frame that contains it. */
function placeAfter(schema, tokens) {
  const stack = [{ kind: "document" }];
  tokens
    .filter((token) => token.kind !== "comment")
    .forEach((token) => STEPS[stack.at(-1).kind](stack.at(-1), token, stack, schema));
  return stack.at(-1);
}

const STEPS = {
  document(frame, { text }, stack, schema) {
    if (text === "{") {
      const type = frame.type ?? schema.roots.get("query");
      stack.push({ kind: "selection", type });
      frame.type = undefined;
    } else if (text === "(") stack.push({ kind: "variables" });
    else if (frame.previous === "on") frame.type = text;
    else if (OPERATIONS.includes(text) && !frame.type) frame.type = schema.roots.get(text);
    frame.previous = text;
  },

  selection(frame, token, stack, schema) {
    const { text, kind } = token;
    if (text === "{") {
      const type = frame.condition ?? (frame.field && named(frame.field.type));
      stack.push({ kind: "selection", type });
    } else if (text === "(") {
      const known = frame.field?.args ?? [];
      const conditions = [{ name: "if", type: { kind: "SCALAR", name: "Boolean" } }];
      stack.push({ kind: "arguments", known: frame.directive ? conditions : known, used: [] });
    } else if (text === "}") stack.pop();
    else if (kind === "directive") frame.directive = true;
    else if (text === "...") Object.assign(frame, { field: undefined, condition: frame.type });
    else if (frame.previous === "on" && frame.spread) frame.condition = text;
    else if (text !== ":" && frame.previous !== "...") {
      frame.field = schema.field(frame.type, text);
      Object.assign(frame, { condition: undefined, directive: false });
    }
    frame.spread = frame.previous === "..." && text === "on";
    frame.previous = text;
  },

  arguments(frame, { text }, stack, schema) {
    if (text === ")" || text === "}" || text === "]") {
      stack.pop();
      stack.at(-1).valued = Boolean(stack.at(-1).list);
    } else if (text === "{") {
      const known = schema.types.get(named(frame.argument?.type ?? {}))?.inputFields ?? [];
      stack.push({ kind: "arguments", known, used: [] });
    } else if (text === "[") {
      stack.push({ kind: "arguments", known: [], used: [], valued: true, argument: frame.argument, list: true });
    } else if (text === ":") frame.valued = true;
    else if (frame.valued) frame.valued = Boolean(frame.list);
    else {
      frame.argument = frame.known.find((each) => each.name === text);
      frame.used.push(text);
    }
  },

  variables(frame, { text }, stack) {
    if (text === ")") stack.pop();
    frame.valued = text === ":";
  },
};

/** Returns all items that are valid in a frame. */
function offered(schema, frame, word, text) {
  if (word.startsWith("@")) return ["@include", "@skip"].map((name) => ({ text: name }));
  if (frame.kind === "document") return inDocument(schema, frame);
  if (frame.kind === "variables") return frame.valued ? inputTypes(schema) : [];
  if (frame.kind === "selection") return inSelection(schema, frame);
  if (frame.valued) return values(schema, frame.argument, text);
  return frame.known.filter((each) => !frame.used.includes(each.name)).map((each) => item(each, ": "));
}

function inDocument(schema, frame) {
  if (frame.previous === "on") return outputTypes(schema);
  return [...schema.roots.keys(), "fragment"].map((name) => ({ text: name, after: " " }));
}

function inSelection(schema, frame) {
  if (frame.spread) return outputTypes(schema);
  if (frame.previous === "...") return [{ text: "on", after: " " }];
  const fields = schema.types.get(frame.type)?.fields;
  if (!fields) return [];
  return [...fields.map((field) => item(field)), { text: "__typename", type: "String!" }];
}

function values(schema, argument, text) {
  const variables = [...new Set(text.match(/\$\w+/g) ?? [])].map((name) => ({ text: name }));
  const type = argument && schema.types.get(named(argument.type));
  const enumValues = (type?.enumValues ?? []).map((value) => ({ text: value.name, description: value.description }));
  const truths = type?.name === "Boolean" ? [{ text: "true" }, { text: "false" }] : [];
  return [...enumValues, ...truths, ...variables];
}

const outputTypes = (schema) => schema.own.filter((type) => type.fields).map(typeItem);
const inputTypes = (schema) =>
  schema.own.filter((type) => !type.fields && type.kind !== "UNION").map(typeItem);
const typeItem = (type) => ({ text: type.name, description: type.description });

function item(member, after = "") {
  return { text: member.name, type: written(member.type), description: member.description, after };
}
