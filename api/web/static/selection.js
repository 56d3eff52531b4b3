// @ts-check
// Selects a range of tickets: click one checkbox, then another one with Shift.
(() => {
  /** @type {HTMLInputElement | undefined} */
  let last;

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement && box.name === "ids" && box.form)) return;
    const boxes = [...box.form.querySelectorAll('input[name="ids"]')].filter(
      (each) => each instanceof HTMLInputElement,
    );
    if (event.shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((one, other) => one - other);
      for (const each of boxes.slice(from, to)) each.checked = box.checked;
    }
    last = box;
  });
})();
