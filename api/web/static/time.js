// @ts-check
// Shows timestamps in the time zone of the browser, which the text names. Counts down to due times.
(() => {
  const chosen = document.documentElement.dataset.zone;
  const format = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: chosen,
  });
  const zoneName = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short", timeZone: chosen });

  /** @param {Date} at */
  const zoneOf = (at) =>
    zoneName.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "";

  /** @param {number} milliseconds */
  const inWords = (milliseconds) => {
    const minutes = Math.floor(milliseconds / 60_000);
    if (minutes < 1) return "less than 1 min";
    const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
    if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
    return hours ? (rest ? `${hours} h ${rest} min` : `${hours} h`) : `${rest} min`;
  };

  const localize = () => {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const at = new Date(/** @type {HTMLTimeElement} */ (element).dateTime);
      const text = `${format.format(at)} ${zoneOf(at)}`;
      if (element.textContent !== text) element.textContent = text;
    }
  };

  const countDown = () => {
    for (const element of document.querySelectorAll("[data-due]")) {
      const { due = "", timer = "" } = /** @type {HTMLElement} */ (element).dataset;
      const left = Date.parse(due) - Date.now();
      const text = left > 0 ? `${timer} due in ${inWords(left)}` : `${timer} missed`;
      if (element.textContent !== text) element.textContent = text;
    }
  };

  localize();
  document.addEventListener("htmx:after:swap", localize);
  setInterval(countDown, 15_000);
})();
