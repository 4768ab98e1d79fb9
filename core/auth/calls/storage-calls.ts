import { callingUser } from "../caller.js";
import type { AuthApi } from "../client/api.js";
import type { CallScope } from "./scope.js";

/** The cluster's storage itself. */
export function storageCalls({ caller, may, services }: CallScope): Pick<AuthApi, "benchStorage"> {
  return {
    async benchStorage(request) {
      await may.require("storage_bench", "create");
      return services.storageBenches.run(request, callingUser(caller));
    },
  };
}
