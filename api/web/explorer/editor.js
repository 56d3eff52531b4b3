// A text area over a highlighted copy of its text, with completion.

import { paint } from "./language.js";

export class Editor {
  /** `tokensOf` colours the text; `completionsAt` returns the completions at the cursor. */
  constructor(area, tokensOf, completionsAt = null) {
    this.area = area;
    this.layer = area.previousElementSibling;
    this.tokensOf = tokensOf;
    this.completionsAt = completionsAt;
    this.list = completionsAt && document.getElementById(area.getAttribute("aria-controls"));
    area.addEventListener("input", (event) => this.changed(event));
    area.addEventListener("scroll", () => this.follow());
    area.addEventListener("keydown", (event) => this.pressed(event));
    area.addEventListener("blur", () => this.close());
    area.addEventListener("click", () => this.close());
    this.list?.addEventListener("mousedown", (event) => this.clicked(event));
    new ResizeObserver(() => this.follow()).observe(area);
    this.paint();
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.paint();
  }

  paint() {
    // A text area shows a final line break, an element does not.
    paint(this.layer, `${this.text}\n`, this.tokensOf);
    this.follow();
  }

  follow() {
    this.layer.scrollTop = this.area.scrollTop;
    this.layer.scrollLeft = this.area.scrollLeft;
  }

  changed(event) {
    this.paint();
    const typed = event.inputType === "insertText" && /[\w$@]/.test(event.data ?? "");
    const erased = event.inputType === "deleteContentBackward" && this.isOpen;
    if (typed || erased) this.complete();
    else this.close();
  }

  pressed(event) {
    if (event.isComposing) return;
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.complete();
    } else if (this.isOpen && KEYS[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      KEYS[event.key](this);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.breakLine();
    } else if (event.key === "}") this.outdent();
  }

  /** Indents a new line like the one before; one level more after an opening bracket. */
  breakLine() {
    const { selectionStart: start, selectionEnd: end } = this.area;
    const line = this.text.slice(0, start).split("\n").at(-1);
    const indent = line.match(/^[ \t]*/)[0];
    const opens = /[[{(]\s*$/.test(line);
    const closes = /^[ \t]*[\]})]/.test(this.text.slice(end));
    this.insert(`\n${indent}${opens ? "  " : ""}`);
    if (opens && closes) {
      const at = this.area.selectionStart;
      this.insert(`\n${indent}`);
      this.area.setSelectionRange(at, at);
    }
  }

  /** Indents a closing brace at the start of a line like its opening brace. */
  outdent() {
    const at = this.area.selectionStart;
    const line = this.text.slice(0, at).split("\n").at(-1);
    if (/^ {2,}$/.test(line)) {
      this.area.setSelectionRange(at - 2, this.area.selectionEnd);
    }
  }

  /** Inserts text so that the user can undo it. */
  insert(text) {
    if (!document.execCommand("insertText", false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.paint();
    }
  }

  /** Replaces the whole text so that the user can undo it. */
  replace(text) {
    this.area.focus();
    this.area.select();
    this.insert(text);
    this.area.setSelectionRange(0, 0);
    this.area.scrollTo(0, 0);
  }

  get isOpen() {
    return Boolean(this.list) && !this.list.hidden;
  }

  complete() {
    if (!this.completionsAt) return;
    const { from, items } = this.completionsAt(this.text, this.area.selectionStart);
    if (!items.length) {
      this.close();
      return;
    }
    this.from = from;
    this.items = items;
    this.list.replaceChildren(...items.map(optionOf));
    this.list.hidden = false;
    this.choose(0);
    this.place();
  }

  /** Places the list below the word, or above it if there is no room below; always in the pane. */
  place() {
    const style = getComputedStyle(this.area);
    const lineHeight = parseFloat(style.lineHeight);
    const lines = this.text.slice(0, this.from).split("\n");
    const left = parseFloat(style.paddingLeft) + widthOf(lines.at(-1), style) - this.area.scrollLeft;
    const top = parseFloat(style.paddingTop) + lines.length * lineHeight - this.area.scrollTop;
    const room = this.area.clientHeight - top;
    const height = this.list.offsetHeight;
    const above = room < height && top - lineHeight > room;
    const lowest = Math.max(8, this.area.clientHeight - height - 8);
    const rightmost = Math.max(8, this.area.clientWidth - this.list.offsetWidth - 8);
    this.list.style.top = `${above ? Math.max(8, top - lineHeight - height - 4) : Math.min(top + 4, lowest)}px`;
    this.list.style.left = `${Math.max(8, Math.min(left, rightmost))}px`;
  }

  choose(index) {
    const options = [...this.list.children];
    this.chosen = (index + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", at === this.chosen));
    this.area.setAttribute("aria-activedescendant", options[this.chosen].id);
    this.reveal(options[this.chosen]);
  }

  /** Scrolls the list to an option; scrollIntoView would scroll the page, too. */
  reveal(option) {
    const bottom = option.offsetTop + option.offsetHeight;
    const { scrollTop, clientHeight } = this.list;
    if (option.offsetTop < scrollTop) this.list.scrollTop = option.offsetTop;
    else if (bottom > scrollTop + clientHeight) this.list.scrollTop = bottom - clientHeight;
  }

  accept() {
    const { text, after = "" } = this.items[this.chosen];
    const end = this.area.selectionStart + this.text.slice(this.area.selectionStart).match(/^\w*/)[0].length;
    const has = after && this.text.slice(end).trimStart().startsWith(after.trim());
    this.area.setSelectionRange(this.from, end);
    this.insert(has && after.trim() ? text : text + after);
    this.close();
  }

  clicked(event) {
    event.preventDefault();
    const option = event.target.closest("li");
    if (!option) return;
    this.choose([...this.list.children].indexOf(option));
    this.accept();
  }

  close() {
    if (!this.list) return;
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }
}

const KEYS = {
  ArrowDown: (editor) => editor.choose(editor.chosen + 1),
  ArrowUp: (editor) => editor.choose(editor.chosen - 1),
  Enter: (editor) => editor.accept(),
  Tab: (editor) => editor.accept(),
  Escape: (editor) => editor.close(),
};

function optionOf(item, index) {
  const option = document.createElement("li");
  option.id = `completion-${index}`;
  option.role = "option";
  const type = document.createElement("small");
  type.textContent = item.type ?? "";
  const description = document.createElement("p");
  description.textContent = item.description ?? "";
  option.append(Object.assign(document.createElement("span"), { textContent: item.text }), type);
  if (item.description) option.append(description);
  return option;
}

const canvas = document.createElement("canvas").getContext("2d");

function widthOf(text, style) {
  canvas.font = style.font;
  return canvas.measureText(text).width;
}
