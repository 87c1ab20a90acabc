// A viewer that watches one session and does nothing with what it sees, in a process of its own so that it takes no time
// from whoever measures. Prints the bytes it was sent, as they came (gzip), when it is told to end.
const [url = "", cookie = ""] = process.argv.slice(2);

let bytes = 0;
process.on("SIGTERM", () => {
  console.log(bytes);
  process.exit(0);
});
const response = await fetch(url, { headers: { cookie, "accept-encoding": "gzip" }, decompress: false });
if (!response.body) throw new Error(`no events: ${response.status}`);
console.log("open");
for await (const chunk of response.body) bytes += chunk.byteLength;

export {};
