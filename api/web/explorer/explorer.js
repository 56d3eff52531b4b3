// The page: token, operation and response. Nothing is stored beyond this tab.

import { completionsAt } from "./completion.js";
import { operationFor } from "./composition.js";
import { Documentation } from "./documentation.js";
import { Editor } from "./editor.js";
import { graphqlTokens, jsonTokens, operationsIn, paintLines } from "./language.js";
import { INTROSPECTION, Schema } from "./schema.js";
import { eventsOf } from "./stream.js";
import { bearerOf } from "./token.js";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
const FIRST = `# The newest tickets. Change it, and run it again.
query Newest {
  tickets(first: 5) {
    totalCount
    nodes {
      id
      title
      status
      priority
      assignee { name }
    }
  }
}
`;
const LISTENING = "Each event is shown here. Press Stop to end the subscription.";
const EVENTS_SHOWN = 50;
const at = (id) => document.getElementById(id);
const kept = window.sessionStorage;

let schema = null;
let running = null;

const query = new Editor(at("query"), graphqlTokens, (text, cursor) =>
  schema ? completionsAt(schema, text, cursor) : { from: cursor, items: [] },
);
const variables = new Editor(at("variables"), jsonTokens);
const documentation = new Documentation(at("page"), at("path"), at("search"), tryOut);

/** Sends an operation to a path, and returns the response. */
function post(path, accept, body, signal) {
  const headers = { "Content-Type": "application/json", Accept: accept };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  const sent = { method: "POST", headers, body: JSON.stringify(body), signal, credentials: "omit" };
  return fetch(path, sent);
}

/** Sends an operation, and returns the response with its text, status and duration. */
async function send(body, signal) {
  const started = performance.now();
  return complete(await post(location.pathname, ACCEPT, body, signal), started);
}

/** Returns a response with its whole text. */
async function complete(response, started) {
  const text = await response.text();
  return { response, text, milliseconds: performance.now() - started };
}

// Token

/** Returns the token, also from a pasted header or shell command. */
const token = () => at("token").value.trim().replace(/^(bearer\s+|(export\s+)?\w+=)/i, "");

function identify(sentence, isWrong = false) {
  at("identity").textContent = sentence;
  at("identity").classList.toggle("problem", isWrong);
}

let asked = 0;

async function signIn() {
  kept.setItem("token", token());
  asked += 1;
  const turn = asked;
  schema = null;
  if (!token()) {
    identify("");
    documentation.say("Enter a token to see the schema.");
    return;
  }
  try {
    const { text } = await send({ query: INTROSPECTION });
    if (turn === asked) take(JSON.parse(text));
  } catch {
    if (turn === asked) refuse("The server does not answer.");
  }
}

function take(answer) {
  if (!answer.data) {
    refuse(answer.errors[0].message);
    return;
  }
  schema = new Schema(answer.data.__schema);
  documentation.load(schema);
  identify(bearerOf(token()));
}

function refuse(sentence) {
  identify(sentence, true);
  documentation.say("Enter a valid token to see the schema.");
}

let typing;
at("token").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(signIn, 300);
});

// Operation

function listOperations() {
  const names = operationsIn(query.text).map(({ name }) => name).filter(Boolean);
  const chosen = at("operation").value;
  at("operation").replaceChildren(...names.map((name) => new Option(name, name)));
  at("operation").hidden = names.length < 2;
  if (names.includes(chosen)) at("operation").value = chosen;
}

/** Returns the variables; reports invalid JSON on the page and returns undefined. */
function variablesIn(text) {
  at("variables-wrong").textContent = "";
  if (!text.trim()) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    at("variables-wrong").textContent = `Invalid JSON: ${error.message}`;
    return undefined;
  }
}

at("query").addEventListener("input", () => {
  listOperations();
  kept.setItem("query", query.text);
});
at("variables").addEventListener("input", () => {
  variablesIn(variables.text);
  kept.setItem("variables", variables.text);
});

/** Inserts a starting operation for a field; undo restores the previous text. */
function tryOut(kind, field) {
  const operation = operationFor(schema, kind, field);
  variables.replace(operation.variables);
  query.replace(operation.query);
  if (isNarrow.matches) toggle(false);
}

// Response

async function run() {
  if (running) {
    running.abort();
    return;
  }
  const given = variablesIn(variables.text);
  if (given === undefined) {
    at("variables").focus();
    return;
  }
  query.close();
  const body = { query: query.text, variables: given };
  if (!at("operation").hidden) body.operationName = at("operation").value;
  running = new AbortController();
  at("run").firstElementChild.textContent = "Stop";
  report("Running…");
  try {
    if (isSubscription(body.operationName)) await follow(body, running.signal);
    else show(await send(body, running.signal));
  } catch (error) {
    if (error.name !== "AbortError") report("The server does not answer", "bad");
    else if (at("outcome").textContent === "Running…") report("Stopped", "bad");
  } finally {
    running = null;
    at("run").firstElementChild.textContent = "Run";
  }
}

/** Returns whether the operation to run is a subscription. */
function isSubscription(name) {
  const operations = operationsIn(query.text);
  const chosen = name ? operations.filter((each) => each.name === name) : operations;
  return chosen.length === 1 && chosen[0].kind === "subscription";
}

/** Runs a subscription, and shows its events, the newest first, until it ends or is stopped. */
async function follow(body, signal) {
  const started = performance.now();
  const response = await post(`${location.pathname}/stream`, "text/event-stream", body, signal);
  if (!response.ok) {
    show(await complete(response, started));
    return;
  }
  const shown = [];
  let count = 0;
  const progress = (word) => `${word} · ${count} ${count === 1 ? "event" : "events"}`;
  const kindOf = (text) => (readable(text).hasErrors ? "warn" : "good");
  let kind = "good";
  announce(LISTENING);
  report(progress("Listening"), kind);
  signal.addEventListener("abort", () => report(progress("Stopped"), kind));
  for await (const text of eventsOf(response.body)) {
    count += 1;
    kind = kindOf(text);
    shown.unshift(readable(text).pretty);
    shown.length = Math.min(shown.length, EVENTS_SHOWN);
    display(shown.join("\n\n"));
    report(progress("Listening"), kind);
  }
  report(kind === "good" ? progress("Ended") : "Ended with an error", kind);
}

function report(sentence, kind = "") {
  at("outcome").textContent = sentence;
  at("outcome").className = kind;
}

function show({ response, text, milliseconds }) {
  const { pretty, hasErrors } = readable(text);
  const kind = !response.ok ? "bad" : hasErrors ? "warn" : "good";
  const size = new Blob([text]).size;
  const status = `${response.status} ${response.statusText}`.trim();
  report(`${status} · ${Math.round(milliseconds)} ms · ${sizeOf(size)}`, kind);
  at("answer").scrollTop = 0;
  display(pretty);
}

/** Shows JSON as the response. */
function display(text) {
  at("answer").classList.remove("placeholder");
  paintLines(at("answer"), text);
  at("copy").hidden = !navigator.clipboard; // which is there in secure contexts only
}

/** Shows a sentence instead of a response. */
function announce(sentence) {
  at("answer").classList.add("placeholder");
  at("answer").textContent = sentence;
  at("copy").hidden = true;
}

function readable(text) {
  try {
    const answer = JSON.parse(text);
    return { pretty: JSON.stringify(answer, null, 2), hasErrors: Boolean(answer.errors) };
  } catch {
    return { pretty: text, hasErrors: true };
  }
}

const sizeOf = (bytes) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`);

at("run").addEventListener("click", run);
at("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(at("answer").textContent);
  at("copy").textContent = "Copied";
  setTimeout(() => (at("copy").textContent = "Copy"), 1500);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});

// Schema

const isNarrow = matchMedia("(max-width: 1080px)");

function toggle(open) {
  at("schema").hidden = !open;
  at("toggle").setAttribute("aria-expanded", open);
  document.querySelector("main").classList.toggle("wide", !open);
}

at("toggle").addEventListener("click", () => {
  toggle(at("schema").hidden);
  if (!at("schema").hidden) at("search").focus();
});
at("schema").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isNarrow.matches && !at("search").value) {
    toggle(false);
    at("toggle").focus();
  }
});
isNarrow.addEventListener("change", () => toggle(!isNarrow.matches));

// Start

if (/Mac|iP(ad|hone)/.test(navigator.platform)) {
  document.querySelectorAll("kbd").forEach((key) => {
    key.textContent = key.textContent.replace("Ctrl ⏎", "⌘ ⏎");
  });
}
const address = new URLSearchParams(location.search);
query.text = address.get("query") ?? kept.getItem("query") ?? FIRST;
variables.text = address.get("variables") ?? kept.getItem("variables") ?? "";
at("token").value = kept.getItem("token") ?? "";
announce("Run the operation to see the response.");
toggle(!isNarrow.matches);
listOperations();
signIn();
(token() ? at("query") : at("token")).focus();
