// @ts-check
// Buttons that copy a text. They appear only where the browser lets a page write to the clipboard.
(() => {
  if (!navigator.clipboard) return;

  const show = () => {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      /** @type {HTMLElement} */ (button).hidden = false;
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
    if (!(button instanceof HTMLElement)) return;
    const outcome = await navigator.clipboard.writeText(button.dataset.copy ?? "")
      .then(() => "Copied", () => "The browser refused to copy");
    button.textContent = outcome;
    const announcements = document.getElementById("announcements");
    if (announcements) announcements.textContent = outcome;
  });

  show();
  document.addEventListener("htmx:after:swap", show);
})();
