// @ts-check
// Follows the events of the server. The layout has one element with the id `live`.
(() => {
  const announcements = document.getElementById("announcements");

  /** @param {string} text */
  const announce = (text) => {
    if (announcements) announcements.textContent = text;
  };

  let arrived = new Set();

  document.addEventListener("ticket", (event) => {
    const id = String(/** @type {CustomEvent} */ (event).detail?.data ?? "");
    if (!document.querySelector("table.tickets")) {
      announce("This ticket changed.");
      return;
    }
    const row = document.getElementById(id);
    if (row) {
      row.dispatchEvent(new CustomEvent("stale"));
      return;
    }
    arrived.add(id);
    const link = document.getElementById("arrived");
    if (!link) return;
    link.hidden = false;
    link.textContent = arrived.size === 1 ? "Show 1 new ticket" : `Show ${arrived.size} new tickets`;
    announce(link.textContent);
  });

  document.addEventListener("reset", () => location.reload());
})();
