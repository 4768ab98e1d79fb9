import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance, type StorageFixture } from "../../../core/plugin/kit/storage-conformance.js";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";

const child = fileURLToPath(new URL("child.js", import.meta.url));

describe("plugins/backend-dir: conformance", function () {
  this.timeout(120_000);

  const onManualClock = async (): Promise<StorageFixture> => {
    const { directory, remove } = await scratchDirectory();
    const clock = new ManualClock();
    const open = () => openDirStorage({ directory, clock });
    return { storage: await open(), clock, peer: open, dispose: remove };
  };
  for (const { name, run } of storageConformance(onManualClock)) {
    it(name, run);
  }

  // Another process does not see a clock that is moved by hand.
  const inRealTime = async (): Promise<StorageFixture> => {
    const { directory, remove } = await scratchDirectory();
    const open = () => openDirStorage({ directory });
    return {
      storage: await open(),
      peer: open,
      child: () => fork(child, [directory, "crash"]),
      dispose: remove,
    };
  };
  for (const { name, run } of storageConformance(inRealTime, { crash: true, groups: ["crash"] })) {
    it(name, run);
  }
});
