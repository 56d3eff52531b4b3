// Writes all times in the time zone of the reader. Without this script, the page has them in UTC.
const format = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});
for (const each of document.querySelectorAll("time")) {
  each.textContent = format.format(new Date(each.dateTime));
}
const zone = document.getElementById("zone");
if (zone) {
  zone.textContent = `Times are in your time zone, ${format.resolvedOptions().timeZone}; days are counted in UTC.`;
}
