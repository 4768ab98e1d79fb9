/** The storage plugin that `teleport plugin test` tests, with the settings it is given. */
import { randomUUID } from "node:crypto";
import os from "node:os";
import path from "node:path";
import { loadSelectedConfig } from "../../config/config-source.js";
import { resolveSettings, type Settings } from "../../config/settings.js";
import { badParameter } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import type { PluginDefinition } from "../../plugin/define.js";
import { checkPluginGraph, openPluginHost, runPlugin, type RunningPlugin } from "../../plugin/host.js";
import type { Logger } from "../../plugin/logger.js";
import { BUILT_IN_PLUGINS } from "../../plugin/resolver.js";
import { checkSelection, storageSelection } from "../plugin-selection.js";

/** How to find the plugin and its settings. Plain data: another process finds the same by it. */
export interface TestedStorageSource {
  /** A path, an npm name or the id of a built-in plugin, as on the command line. */
  readonly plugin: string;
  /** What relative paths start from; absolute. */
  readonly workingDir: string;
  /** A teleport.yaml whose `storage` holds the settings; without one the plugin gets its defaults. */
  readonly configFile?: string | undefined;
  /** The data directory where there is no `configFile`; absolute. */
  readonly scratchDir: string;
}

/** A storage plugin, ready to be opened any number of times on the same settings. */
export interface TestedStorage {
  readonly id: string;
  /** The data directory that the plugin is told. */
  readonly dataDir: string;
  /** Creates and starts an instance. Throws `plugin`. */
  open(clock: Clock): Promise<RunningPlugin<"storage">>;
}

/** Finds the plugin as the daemon would, and checks its settings. Throws `plugin`, `config` or `bad_parameter`. */
export async function findTestedStorage(source: TestedStorageSource, log: Logger): Promise<TestedStorage> {
  const settings = source.configFile === undefined ? undefined : readSettings(source.configFile);
  const definition = await findDefinition(source, settings?.configDir ?? source.workingDir);
  checkPluginGraph([definition]);
  const own = settings ? ownSettings(definition, settings) : defaultSettings(definition);
  const dataDir = settings?.dataDir ?? source.scratchDir;
  const hostId = randomUUID();
  return {
    id: definition.id,
    dataDir,
    open: (clock) =>
      runPlugin(definition, own, {
        log,
        clock,
        dataDir,
        hostId,
        hostname: settings?.nodename ?? os.hostname(),
      }),
  };
}

function readSettings(file: string): Settings {
  const loaded = loadSelectedConfig({ config: file }, {});
  return resolveSettings(loaded?.config, {}, { hostname: os.hostname() });
}

async function findDefinition(
  { plugin, workingDir }: TestedStorageSource,
  packagesDir: string,
): Promise<PluginDefinition<"storage">> {
  if (plugin in BUILT_IN_PLUGINS) {
    const host = await openPluginHost([], packagesDir);
    return host.definition("storage", storageName(plugin));
  }
  const isPath = /^(\.{1,2}\/|\/)/.test(plugin);
  const specifier = isPath ? path.resolve(workingDir, plugin) : plugin;
  const host = await openPluginHost([specifier], packagesDir);
  return host.definition("storage", storageName(host.thirdParty[0] ?? plugin));
}

function storageName(id: string): string {
  if (!id.startsWith("storage.")) {
    throw badParameter(`${id} is no storage plugin: only those have a conformance kit`);
  }
  return id.slice("storage.".length);
}

function ownSettings(definition: PluginDefinition<"storage">, settings: Settings): unknown {
  const selection = storageSelection(settings);
  if (`storage.${selection.name}` !== definition.id) {
    throw badParameter(
      `${settings.fileName ?? "teleport.yaml"} selects storage.${selection.name}, not ${definition.id}: give a file with storage: {type: ${definition.id.slice("storage.".length)}}`,
    );
  }
  return checkSelection(definition, selection, settings);
}

function defaultSettings({ schema, id }: PluginDefinition<"storage">): unknown {
  const checked = schema.safeParse({});
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const where = issue && issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
    throw badParameter(
      `${id} needs settings (${where}${issue?.message ?? "its defaults are not valid"}): give them with --config FILE`,
    );
  }
  return checked.data;
}
