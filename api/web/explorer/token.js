// What a token says of its bearer. Nothing is checked here: that is the server's.

/** Returns who bears a token, and until when; nothing if it does not say. */
export function bearerOf(token) {
  const { name, exp } = claimsOf(token);
  return name ? `${name}${exp ? `, ${until(exp)}` : ""}` : "";
}

function claimsOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

/** Returns until when it is good: the time, and the day if it is another one. */
function until(seconds) {
  const end = new Date(seconds * 1000);
  const isToday = end.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  const day = isToday ? {} : { day: "numeric", month: "short" };
  return `until ${end.toLocaleString(undefined, { ...day, ...time })}`;
}
