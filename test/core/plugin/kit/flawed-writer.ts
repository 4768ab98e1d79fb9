/** The process that the crash cases kill: `flawed-writer.js <data directory> <flaw>`. */
import { silentLogger, systemClock } from "@teleport/plugin";
import { serveCrashWriter } from "../../../../core/plugin/kit/storage-conformance.js";
import flawed from "./flawed-plugin.js";

const [dataDir = "", flaw = ""] = process.argv.slice(2);
const context = { log: silentLogger, clock: systemClock, dataDir, hostId: "host", hostname: "host" };

await serveCrashWriter(async () => {
  const running = await flawed.create({ flaw }, context);
  await running.start?.();
  return running.product;
});
