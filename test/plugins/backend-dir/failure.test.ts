import assert from "node:assert/strict";
import { storageFailure } from "../../../plugins/backend-dir/failure.js";

const sqlite = (code: string): Error => Object.assign(new Error("disk I/O error"), { code });

describe("plugins/backend-dir/failure", () => {
  for (const code of ["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE"]) {
    it(`calls a full disk by its name (${code})`, () => {
      const failure = storageFailure(sqlite(code), "/data/proc/sqlite.db", () => 4096);
      assert.equal(failure.code, "unavailable");
      assert.equal(failure.message, "the disk that holds /data/proc/sqlite.db is full; free some space");
    });
  }

  it("does not blame a disk that has room, nor a full one for what only reads", () => {
    const roomy = storageFailure(sqlite("SQLITE_IOERR_SHMSIZE"), "/f", () => 1 << 20);
    const read = storageFailure(sqlite("SQLITE_IOERR_READ"), "/f", () => 0);
    for (const { message } of [roomy, read])
      assert.match(message, /failed \(SQLITE_IOERR_\w+\); check the disk/);
  });
});
