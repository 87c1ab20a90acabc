// The text of an event stream to its events.

export type StreamEvent = { name: string; data: string; id: string | null };

/** Returns a function that takes the text piece by piece, cut anywhere, and calls `take` for each completed event. */
export function eventParser(take: (event: StreamEvent) => void): (chunk: string) => void {
  let rest = "";
  let name = "";
  let data: string[] = [];
  let id: string | null = null;

  function line(text: string) {
    if (text === "") {
      if (data.length > 0) take({ name: name || "message", data: data.join("\n"), id });
      name = "";
      data = [];
      id = null;
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }

  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) line(text.endsWith("\r") ? text.slice(0, -1) : text);
  };
}
