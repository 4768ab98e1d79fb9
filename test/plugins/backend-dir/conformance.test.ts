import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";

describe("plugins/backend-dir: conformance", () => {
  const cases = storageConformance(async () => {
    const { directory, remove } = await scratchDirectory();
    const clock = new ManualClock();
    const open = () => openDirStorage({ directory, clock });
    return { storage: await open(), clock, peer: open, dispose: remove };
  });
  for (const { name, run } of cases) {
    it(name, run);
  }
});
