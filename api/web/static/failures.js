// @ts-check
// Says that the server did not answer a form. The page stays as it is, with the typed text.
(() => {
  const message = document.getElementById("failure");
  if (!message) return;

  /** @param {Event} event */
  const contextOf = (event) => /** @type {CustomEvent} */ (event).detail?.ctx;

  /**
   * @param {Event} event
   * @param {boolean} failed
   */
  const show = (event, failed) => {
    if (contextOf(event)?.request?.method === "POST") message.hidden = !failed;
  };

  document.addEventListener("htmx:before:request", (event) => show(event, false));
  document.addEventListener("htmx:error", (event) => show(event, true));
  document.addEventListener("htmx:response:error", (event) => {
    const { status } = contextOf(event).response;
    if (status >= 500 || status === 429) show(event, true);
  });
})();
