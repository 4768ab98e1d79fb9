import type { AuthApi } from "../client/api.js";
import type { CallScope } from "./scope.js";

/** Places for users' connections; hosts alone ask for them. */
export function sessionControlCalls({
  may,
  services,
}: CallScope): Pick<AuthApi, "holdConnectionPlace" | "releaseConnectionPlace"> {
  const { sessionControl } = services;
  return {
    async holdConnectionPlace(request) {
      const { hostId } = may.requireHost("Node", "Proxy");
      return sessionControl.hold(request, hostId);
    },
    async releaseConnectionPlace(user, id) {
      const { hostId } = may.requireHost("Node", "Proxy");
      await sessionControl.release(user, id, hostId);
    },
  };
}
