// Server-Sent Events out of an answer: unlike EventSource, fetch can send a key in a header.

export interface StreamEvent {
  name: string;
  data: string;
}

/** Read the events of an answer's body until it ends. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) yield eventOf(block);
  }
}

function eventOf(block: string): StreamEvent {
  const event: StreamEvent = { name: "", data: "" };
  for (const line of block.split("\n")) {
    const [field = "", value = ""] = line.split(/: ?(.*)/s);
    if (field === "event") event.name = value;
    else if (field === "data") event.data += value;
  }
  return event;
}
