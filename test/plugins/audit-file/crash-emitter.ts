/** Emits events until it is killed and tells each that was acknowledged: `crash-emitter.js <directory>`. */
import { writeSync } from "node:fs";
import { event, sinkIn } from "./events.js";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("usage: crash-emitter <directory>");
const sink = sinkIn(directory);
await sink.start();
const emitter = async (name: number): Promise<void> => {
  for (let i = 0; ; i++) {
    const uid = `${name}-${i}`;
    await sink.emit([event(new Date().toISOString(), { uid, command: "x".repeat((i * 997) % 50_000) })]);
    writeSync(1, `${uid}\n`);
  }
};
await Promise.all([0, 1, 2, 3].map(emitter));
