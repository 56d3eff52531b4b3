// @ts-check
// Shortcuts: j k x Enter / c a ? in lists and tickets. Never in fields, never with Ctrl, Alt or Meta.
(() => {
  if (document.documentElement.dataset.shortcuts === "off") return;

  /** @returns {HTMLElement[]} */
  const rows = () => [...document.querySelectorAll("table.tickets tbody tr")].filter(
    (each) => each instanceof HTMLElement,
  );

  /** @param {number} step */
  const go = (step) => {
    const all = rows();
    const index = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[index < 0 ? 0 : Math.min(Math.max(index + step, 0), all.length - 1)];
    next?.querySelector("a")?.focus();
  };

  /** @param {string} selector */
  const focus = (selector) => {
    const found = document.querySelector(selector);
    if (found instanceof HTMLElement) found.focus();
    return found !== null;
  };

  const help = () => {
    const dialog = document.getElementById("shortcuts");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  };

  const toggle = () => {
    const row = rows().find((each) => each.contains(document.activeElement));
    const box = row?.querySelector("input[type=checkbox]");
    if (box instanceof HTMLInputElement) box.click();
  };

  /** @type {Record<string, () => unknown>} */
  const actions = {
    j: () => go(1),
    k: () => go(-1),
    x: toggle,
    "/": () => focus("input[type=search]") || location.assign("/tickets"),
    c: () => focus("#comment") || location.assign("/new"),
    a: () => focus("[data-shortcut=a]"),
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (target instanceof HTMLElement && target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
