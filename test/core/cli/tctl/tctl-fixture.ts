import type { AuthApi } from "../../../../core/auth/client/api.js";
import type { TctlContext } from "../../../../core/cli/tctl/context.js";
import type { Server } from "../../../../core/resources/server.js";
import { MovingClock } from "../../auth/moving-clock.js";

/** A command's world, with what it printed. */
export interface Desk extends TctlContext {
  readonly clock: MovingClock;
  /** All that was printed so far. */
  output(): string;
}

/** A desk over an API: a real one, or one in which only the given calls exist. */
export function desk(api: Partial<AuthApi>, options: { debug?: boolean } = {}): Desk {
  const printed: string[] = [];
  return {
    api: new Proxy(api as AuthApi, {
      get(target, name: keyof AuthApi) {
        if (!(name in target)) throw new Error(`unexpected call of ${name}`);
        return Reflect.get(target, name) as unknown;
      },
    }),
    print: async (text) => void printed.push(text),
    clock: new MovingClock("2026-11-22T12:00:00Z"),
    debug: options.debug ?? false,
    output: () => printed.join(""),
  };
}

/** A heartbeat. */
export function server(kind: Server["kind"], name: string, spec: Partial<Server["spec"]>): Server {
  return { kind, version: "v2", metadata: { name }, spec: { addr: "", hostname: name, ...spec } };
}
