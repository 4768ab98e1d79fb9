/** Runs every benchmark (or those named as arguments) one after the other; each prints one JSON object. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { mustRun, root, run } from "./run.mjs";

mustRun(process.execPath, ["scripts/build.mjs"]);
const folder = path.join(root, "dist", "bench");
const all = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".bench.js")) : [];
const wanted = process.argv.slice(2);
const chosen = all.filter((name) => wanted.length === 0 || wanted.includes(name.replace(".bench.js", "")));
if (chosen.length === 0) {
  console.error(
    `no such benchmark; there are ${all.map((name) => name.replace(".bench.js", "")).join(", ")}`,
  );
  process.exit(1);
}
let worst = 0;
for (const name of chosen)
  worst = Math.max(worst, run(process.execPath, ["--expose-gc", path.join(folder, name)]));
process.exit(worst);
