/** Records output until it is killed: `crash-writer.js <directory> <session id>`. Tells each print it was promised. */
import { writeSync } from "node:fs";
import { recorderIn } from "./recorded.js";

const [directory, sessionId] = process.argv.slice(2);
if (directory === undefined || sessionId === undefined)
  throw new Error("usage: crash-writer <directory> <session id>");
const recorder = await recorderIn(directory, sessionId);
await recorder.event({ event: "session.start", code: "T2000I", user: "alice", login: "root", size: "80:25" });
for (let i = 0; ; i++) {
  await recorder.print(Buffer.from(`line ${i} ${"x".repeat(i % 2000)}\n`));
  writeSync(1, `${i}\n`);
}
