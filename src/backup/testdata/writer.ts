// Writes to a database until it is killed: each transaction adds a message and counts it elsewhere.
import { Database } from "bun:sqlite";

const db = new Database(process.argv[2] ?? "");
db.run("PRAGMA busy_timeout = 5000");
db.run("INSERT INTO conversations (id, created_at) VALUES ('c', 1)");
const add = db.query(
  "INSERT INTO messages (conversation_id, uuid, seq, role, body, created_at) VALUES ('c', ?, ?, 'user', '[]', 1)",
);
const count = db.query("UPDATE conversations SET bytes = bytes + 1");
const say = db.transaction((seq: number) => {
  add.run(String(seq), seq);
  count.run();
});
for (let seq = 0; ; seq++) {
  say.immediate(seq);
  if (seq === 10) console.log("begun");
}
