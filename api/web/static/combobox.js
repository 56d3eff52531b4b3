// @ts-check
// Suggests users and groups while you type. Without scripts the field accepts an id.
(() => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement && field.dataset.suggest && field.list)) return;
    const { suggest } = field.dataset;
    const options = field.list;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const answer = await fetch(`${suggest}?search=${encodeURIComponent(field.value)}`);
      if (!answer.ok) return;
      /** @type {{value: string, label: string}[]} */
      const found = await answer.json();
      options.replaceChildren(...found.map(({ value, label }) => new Option(label, value)));
    }, 150);
  });
})();
