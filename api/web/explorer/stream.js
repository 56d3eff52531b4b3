// Subscriptions over server-sent events, in the format of graphql-sse.

/** Yields the response in each event of a stream, as text. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = `${rest}${value}`.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map(fieldOf));
      if (fields.get("event") === "next") yield fields.get("data");
    }
  }
}

function fieldOf(line) {
  const at = line.indexOf(":");
  return [line.slice(0, at), line.slice(at + 1).trimStart()];
}
