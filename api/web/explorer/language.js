// Tokens of GraphQL and JSON, and syntax highlighting.

const GRAPHQL =
  /(?<comment>#[^\n]*)|(?<string>"""(?:\\"""|[^])*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?)|(?<variable>\$\w*)|(?<directive>@\w*)|(?<number>-?\d[\d.eE+-]*)|(?<name>[_A-Za-z]\w*)|(?<mark>\.\.\.|[{}()[\]:=!|&,])/g;
const JSON_TEXT =
  /(?<string>"(?:\\.|[^"\\\n])*"?)|(?<number>-?\d[\d.eE+-]*)|(?<literal>true|false|null)|(?<mark>[{}[\]:,])/g;
const OPERATIONS = new Set(["query", "mutation", "subscription"]);
const KEYWORDS = new Set([...OPERATIONS, "fragment", "on"]);
const LITERALS = new Set(["true", "false", "null"]);
const PAINTED_CHARACTERS = 300_000; // above, colours cost more than they are worth

/** Returns the tokens of a text as {kind, text, start}; other characters are skipped. */
function tokens(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => {
    const [kind] = Object.entries(match.groups).find(([, part]) => part !== undefined);
    return { kind, text: match[0], start: match.index };
  });
}

/** Returns the tokens of a GraphQL document; the next token decides the kind of a name. */
export function graphqlTokens(text) {
  const found = tokens(text, GRAPHQL);
  let depth = 0;
  found.forEach((token, index) => {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (token.kind !== "name") return;
    if (LITERALS.has(token.text)) token.kind = "literal";
    else if (depth > 0 && found[index + 1]?.text === ":") token.kind = "argument";
    else if (KEYWORDS.has(token.text) && isKeyword(found, index)) token.kind = "keyword";
  });
  return found;
}

/** Returns whether a word is a keyword at its position, and not a field name. */
function isKeyword(found, index) {
  const before = found.slice(0, index).findLast((token) => token.kind !== "comment")?.text;
  if (found[index].text !== "on") return before === undefined || before === "}";
  return before === "..." || found[index - 2]?.text === "fragment";
}

/** Returns the operations in a document as {kind, name}; the name of an unnamed one is "". */
export function operationsIn(text) {
  const words = graphqlTokens(text).filter((token) => token.kind !== "comment");
  return words.flatMap(({ kind, text: word }, index) => {
    if (kind !== "keyword" || !OPERATIONS.has(word)) return [];
    const next = words[index + 1];
    return [{ kind: word, name: next?.kind === "name" ? next.text : "" }];
  });
}

/** Returns the tokens of JSON; a string before a colon is a key. */
export function jsonTokens(text) {
  const found = tokens(text, JSON_TEXT);
  found.forEach((token, index) => {
    if (token.kind === "string" && found[index + 1]?.text === ":") token.kind = "key";
  });
  return found;
}

/** Shows JSON in an element, each line in an element of its own; the rest of a long line is indented. */
export function paintLines(element, text) {
  if (text.length > PAINTED_CHARACTERS) {
    element.textContent = text;
    return;
  }
  const lines = text.split("\n");
  const shown = lines.map((line, index) => {
    const block = document.createElement("span");
    block.className = "line";
    block.style.setProperty("--indent", `${line.search(/\S|$/) + 2}ch`);
    paint(block, index < lines.length - 1 ? `${line}\n` : line, jsonTokens);
    return block;
  });
  element.replaceChildren(...shown);
}

/** Shows a text in an element, with highlighting. */
export function paint(element, text, tokensOf) {
  if (text.length > PAINTED_CHARACTERS) {
    element.textContent = text;
    return;
  }
  const painted = document.createDocumentFragment();
  let at = 0;
  for (const token of tokensOf(text)) {
    painted.append(text.slice(at, token.start));
    const span = document.createElement("span");
    span.className = token.kind;
    span.textContent = token.text;
    painted.append(span);
    at = token.start + token.text.length;
  }
  painted.append(text.slice(at));
  element.replaceChildren(painted);
}
