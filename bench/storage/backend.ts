/** Opens a backend by its plugin, as the daemon does. */
import { silentLogger, systemClock, type PluginDefinition, type Storage } from "@teleport/plugin";

/** Where each backend's plugin lies. */
const FOLDERS = { dir: "backend-dir", etcd: "backend-etcd", dynamodb: "backend-dynamo" } as const;
/** A backend that can be measured. */
export type BackendName = keyof typeof FOLDERS;

/** Whether a text names a backend. */
export function isBackendName(name: string): name is BackendName {
  return Object.hasOwn(FOLDERS, name);
}

/** Opens one; `settings` are the keys of `teleport.storage`. */
export async function openBackend(
  name: BackendName,
  settings: Readonly<Record<string, unknown>>,
): Promise<Storage> {
  const module = (await import(`../../plugins/${FOLDERS[name]}/index.js`)) as {
    default: PluginDefinition<"storage">;
  };
  const instance = await module.default.create(module.default.schema.parse(settings), {
    log: silentLogger,
    clock: systemClock,
    dataDir: "/nonexistent",
    hostId: "00000000-0000-4000-8000-000000000000",
    hostname: "bench",
  });
  await instance.start?.();
  return instance.product;
}
