import { badParameter, hasCode, errorMessage } from "../../errors/error.js";
import { callingUser } from "../caller.js";
import type { AuthApi } from "../client/api.js";
import type { CallScope } from "./scope.js";

type StorageAdminCalls =
  "startStorageMove" | "getStorageStatus" | "abortStorageMove" | "verifyStorage" | "getStorageVerification";

/** Where the cluster is kept. */
export function storageAdminCalls({ caller, may, services }: CallScope): Pick<AuthApi, StorageAdminCalls> {
  const { storageAdmin } = services;
  return {
    async startStorageMove(file) {
      await may.require("storage", "update");
      return aboutTheFile(storageAdmin.start(file, callingUser(caller)));
    },
    async getStorageStatus() {
      await may.require("storage", "read");
      return storageAdmin.status();
    },
    async abortStorageMove() {
      await may.require("storage", "update");
      await storageAdmin.abort(callingUser(caller));
    },
    async verifyStorage(against) {
      // Another storage may be anybody's.
      await may.require("storage", against === undefined ? "read" : "update");
      return aboutTheFile(storageAdmin.verify(against));
    },
    async getStorageVerification(id) {
      await may.require("storage", "read");
      return storageAdmin.verification(id);
    },
  };
}

/** What is wrong with a file is the caller's affair, and has no code of its own on the wire. */
async function aboutTheFile<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const theirs = hasCode(error, "config") || hasCode(error, "plugin");
    throw theirs ? badParameter(errorMessage(error), { cause: error }) : error;
  }
}
