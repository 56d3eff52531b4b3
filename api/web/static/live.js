// @ts-check
// Follows the events of the server. The layout has one element with the id `live`.
(() => {
  const announcements = document.getElementById("announcements");

  /** @param {string} text */
  const announce = (text) => {
    if (announcements) announcements.textContent = text;
  };

  /** @type {Set<string>} */
  const arrived = new Set();

  /** @param {Event} event */
  const idOf = (event) => String(/** @type {CustomEvent} */ (event).detail?.data ?? "");

  /** @param {string} id */
  const refresh = (id) => {
    const row = document.getElementById(id);
    if (!row) return false;
    row.dispatchEvent(new CustomEvent("stale"));
    announce(`Changed: ${row.querySelector("th a")?.textContent ?? id}`);
    return true;
  };

  document.addEventListener("ticket", (event) => {
    if (document.getElementById("arrived")) refresh(idOf(event));
    else announce("This ticket changed.");
  });

  document.addEventListener("listed", (event) => {
    const link = document.getElementById("arrived");
    if (refresh(idOf(event)) || !link) return;
    arrived.add(idOf(event));
    link.hidden = false;
    link.textContent = arrived.size === 1 ? "Show 1 new ticket" : `Show ${arrived.size} new tickets`;
    announce(link.textContent);
  });

  document.addEventListener("htmx:after:swap", () => {
    if (document.getElementById("arrived")?.hidden) arrived.clear();
  });

  document.addEventListener("reset", () => location.reload());

  let isLeaving = false;
  document.addEventListener("submit", (event) => {
    isLeaving ||= !event.defaultPrevented; // htmx prevents it, and the page stays
  });

  // The page reads itself again, which leads to the sign-in, unless that would lose typed text. Then
  // its form leads there, or has done so already.
  document.addEventListener("signed-out", () => {
    if (isLeaving || document.getElementById("unsent")) return;
    const fields = document.querySelectorAll("#main form[method=post] :is(input:not([type]), textarea)");
    const isLost = [...fields].some((each) => (
      (each instanceof HTMLInputElement || each instanceof HTMLTextAreaElement)
      && !each.dataset.draft && each.value !== each.defaultValue
    ));
    if (isLost) announce("You are signed out. Send your form to sign in again.");
    else location.reload();
  });

  // What happened to the sidebar while there was no stream, for example in a hidden tab, is unknown.
  document.addEventListener("htmx:sse:after:connection", (event) => {
    const { connection } = /** @type {CustomEvent} */ (event).detail;
    if (connection.attempt) document.getElementById("live")?.dispatchEvent(new CustomEvent("shell"));
  });

  // A page that says that ticketing is off ends when the sidebar has tickets again.
  document.addEventListener("htmx:after:swap", () => {
    const tickets = document.querySelector('.sidebar a[href="/tickets"]');
    if (tickets && document.getElementById("ticketing-off")) location.reload();
  });
})();
