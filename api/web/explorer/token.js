// The claims of a token, for display. Only the server verifies tokens.

/** Returns the name and the expiry time in a token; an empty text if it has none. */
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

/** Returns the expiry time, with the day if it is not today. */
function until(seconds) {
  const end = new Date(seconds * 1000);
  const isToday = end.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  const day = isToday ? {} : { day: "numeric", month: "short" };
  return `until ${end.toLocaleString(undefined, { ...day, ...time })}`;
}
