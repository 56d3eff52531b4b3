// @ts-check
// Keeps typed text in the browser until it is sent: a crash, a lost session or an error loses nothing.
(() => {
  const storage = (() => {
    try {
      return window.localStorage;
    } catch {
      return null; // the browser keeps no data of this site
    }
  })();
  if (!storage) return;

  const prefix = `draft ${document.body.dataset.user ?? ""} `;

  /** @returns {(HTMLTextAreaElement | HTMLInputElement)[]} */
  const fields = () => [...document.querySelectorAll("[data-draft]")].filter(
    (each) => each instanceof HTMLTextAreaElement || each instanceof HTMLInputElement,
  );

  /** @param {HTMLElement} field */
  const keyOf = (field) => prefix + field.dataset.draft;

  const restore = () => {
    for (const field of fields()) {
      if (!field.value) field.value = storage.getItem(keyOf(field)) ?? "";
    }
  };

  /** @param {string} beginning */
  const clear = (beginning) => {
    for (const key of Object.keys(storage)) {
      if (key.startsWith(prefix + beginning)) storage.removeItem(key);
    }
    for (const field of fields()) {
      if (field.dataset.draft?.startsWith(beginning)) field.value = field.defaultValue;
    }
  };

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLElement && field.dataset.draft && "value" in field)) return;
    if (field.value) storage.setItem(keyOf(field), String(field.value));
    else storage.removeItem(keyOf(field));
  });

  // The page after a form that succeeded names the drafts that were sent.
  const settle = () => {
    const sent = document.querySelector("[data-sent]");
    if (sent instanceof HTMLElement && sent.dataset.sent) {
      clear(sent.dataset.sent);
      delete sent.dataset.sent;
    }
    restore();
  };

  settle();
  document.addEventListener("htmx:after:swap", settle);
})();
