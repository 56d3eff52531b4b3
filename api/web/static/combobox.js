// @ts-check
// Suggests users and groups while you type: the editable combobox with list autocomplete of the ARIA
// Authoring Practices. Without scripts, the field accepts an id.
(() => {
  const WAIT_MILLISECONDS = 150;
  const announcements = document.getElementById("announcements");

  /** @type {HTMLUListElement | undefined} */
  let list;
  /** @type {HTMLInputElement | undefined} */
  let open;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /** @param {EventTarget | null} target */
  const asField = (target) =>
    target instanceof HTMLInputElement && target.dataset.suggest ? target : undefined;

  /** @returns {HTMLElement[]} */
  const options = () => [...(list?.querySelectorAll("li") ?? [])];

  const selected = () => options().find((each) => each.ariaSelected === "true");

  /** @param {HTMLInputElement} field */
  const describe = (field) => {
    field.role = "combobox";
    field.ariaAutoComplete = "list";
    field.ariaExpanded = String(field === open);
    field.setAttribute("aria-controls", "suggestions");
    const option = field === open ? selected() : undefined;
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  };

  /** The list is at the end of the content, so that an update of the ticket does not remove it. */
  const listInPage = () => {
    if (!list?.isConnected) {
      list = document.createElement("ul");
      list.id = "suggestions";
      list.role = "listbox";
      list.ariaLabel = "Suggestions";
      list.hidden = true;
      document.getElementById("main")?.append(list);
    }
    return list;
  };

  const close = () => {
    clearTimeout(waiting);
    const field = open;
    open = undefined;
    list?.replaceChildren();
    if (list) list.hidden = true;
    if (field) describe(field);
  };

  /** @param {HTMLElement | undefined} option */
  const select = (option) => {
    for (const each of options()) each.ariaSelected = String(each === option);
    option?.scrollIntoView({ block: "nearest" });
    if (open) describe(open);
  };

  /** @param {HTMLElement} option */
  const accept = (option) => {
    if (open) open.value = option.dataset.value ?? "";
    close();
  };

  /** @param {HTMLInputElement} field */
  const place = (field) => {
    const [at, page] = [field, listInPage().parentElement ?? field].map((each) => each.getBoundingClientRect());
    const [left, top] = [at.left - page.left, at.bottom - page.top];
    Object.assign(listInPage().style, { left: `${left}px`, top: `${top}px`, width: `${at.width}px` });
  };

  /**
   * @param {HTMLInputElement} field
   * @param {{value: string, label: string}[]} found
   */
  const show = (field, found) => {
    listInPage().replaceChildren(...found.map(({ value, label }, index) => {
      const option = Object.assign(document.createElement("li"), { id: `suggestion-${index}`, role: "option" });
      option.textContent = label;
      option.ariaSelected = "false";
      option.dataset.value = value;
      return option;
    }));
    open = found.length ? field : undefined;
    listInPage().hidden = !open;
    place(field);
    describe(field);
    if (announcements) announcements.textContent = `${found.length} suggestion${found.length === 1 ? "" : "s"}`;
  };

  /** @param {HTMLInputElement} field */
  const suggest = async (field) => {
    const { value, dataset } = field;
    const answer = await fetch(`${dataset.suggest}?search=${encodeURIComponent(value)}`);
    const found = answer.ok ? await answer.json() : [];
    if (field.value === value && field === document.activeElement) show(field, found);
  };

  /**
   * @param {HTMLInputElement} field
   * @param {1 | -1} step
   */
  const move = async (field, step) => {
    if (field !== open) await suggest(field);
    const all = options();
    const index = all.findIndex((each) => each === selected());
    const from = index < 0 && step < 0 ? 0 : index;
    if (field === open) select(all.at((from + step) % all.length));
  };

  document.addEventListener("focusin", (event) => {
    const field = asField(event.target);
    if (field && listInPage()) describe(field);
  });
  document.addEventListener("focusout", close);
  document.addEventListener("htmx:after:swap", () => {
    const field = asField(document.activeElement);
    if (field) describe(field);
  });
  document.addEventListener("input", (event) => {
    const field = asField(event.target);
    if (!field) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => suggest(field), WAIT_MILLISECONDS);
  });
  document.addEventListener("keydown", (event) => {
    const field = asField(event.target);
    if (!field || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    const option = field === open ? selected() : undefined;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") move(field, event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && option) accept(option);
    else if (event.key === "Escape" && field === open) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });
  document.addEventListener("mousedown", (event) => {
    if (event.target instanceof Node && list?.contains(event.target)) event.preventDefault(); // keeps the focus
  });
  document.addEventListener("click", (event) => {
    const option = options().find((each) => each === event.target);
    if (option) accept(option);
  });
})();
