/** Prints into a recording until that fails, then reports how each call failed: `full-disk-writer.js <directory>`. */
import { errorCode, errorMessage } from "../../../core/errors/error.js";
import { recorderIn } from "./recorded.js";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("usage: full-disk-writer <directory>");
const failures: string[] = [];
const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    failures.push(`${errorCode(error)}: ${errorMessage(error)}`);
    return false;
  }
};
const recorder = await recorderIn(directory);
let written = 0;
while (await attempt(() => recorder.print(Buffer.alloc(5000, "x")))) written += 5000;
await attempt(() => recorder.event({ event: "session.end", code: "T2004I" }));
await attempt(() => recorder.close());
process.stdout.write(JSON.stringify({ failures, written }));
