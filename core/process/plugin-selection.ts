/** Which plugins the settings choose, and the settings that each of them gets. */
import { checkPluginSettings } from "../config/plugin-settings.js";
import type { PositionedMap } from "../document/positioned.js";
import { ConfigError } from "../document/problem.js";
import { EMPTY_MAP } from "../config/schema/open-map.js";
import { SHARED_STORAGE_KEYS, type Settings } from "../config/settings.js";
import type { PluginDefinition, PluginKind } from "../plugin/define.js";

/** A plugin that the settings choose. */
export interface Selection {
  readonly kind: PluginKind;
  readonly name: string;
  readonly settings: PositionedMap;
  /** Where in teleport.yaml the settings belong. */
  readonly section: string;
  /** Keys of the same section that are not the plugin's. */
  readonly sharedKeys?: readonly string[];
  readonly uri?: URL | undefined;
}

/** Every plugin that the settings choose. */
export function allSelections(settings: Settings): Selection[] {
  return [
    ...(settings.auth
      ? [storageSelection(settings), ...auditSelections(settings), recordingSelection(settings)]
      : []),
    ...(settings.proxy?.tls ? [tlsSelection(settings)] : []),
  ];
}

/** The backend of the cluster's state. */
export function storageSelection({ storage }: Settings): Selection {
  return {
    kind: "storage",
    name: storage.type,
    settings: storage.settings,
    section: "teleport.storage",
    sharedKeys: SHARED_STORAGE_KEYS,
  };
}

/** The audit sinks, at least one. */
export function auditSelections(settings: Settings): Selection[] {
  const uris = settings.storage.auditEventsUris;
  return uris.length > 0 ? uris.map((uri) => byUri("audit", uri, settings)) : [byDefault("audit", settings)];
}

/** The store of recordings. */
export function recordingSelection(settings: Settings): Selection {
  const uri = settings.storage.auditSessionsUri;
  return uri ? byUri("recording", uri, settings) : byDefault("recording", settings);
}

/** The source of the web listener's certificate. */
export function tlsSelection({ proxy }: Settings): Selection {
  return {
    kind: "tls",
    name: proxy?.tls?.type ?? "files",
    settings: proxy?.tls?.settings ?? EMPTY_MAP,
    section: "proxy_service.tls",
  };
}

/** The selection's own settings, checked by the plugin. Throws a configuration error with line and column. */
export function checkSelection(
  { schema, id }: PluginDefinition,
  selection: Selection,
  { fileName }: Settings,
): unknown {
  const { settings, section, sharedKeys } = selection;
  return checkPluginSettings(schema, settings, {
    fileName: fileName ?? "teleport.yaml",
    plugin: { id, section },
    ...(sharedKeys ? { sharedKeys } : {}),
  });
}

/** Checks the settings of several selections. Throws one configuration error with all problems. */
export function checkSelections(
  selected: readonly (readonly [PluginDefinition, Selection])[],
  settings: Settings,
): void {
  const problems = selected.flatMap(([definition, selection]) => {
    try {
      checkSelection(definition, selection, settings);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

function byUri(kind: PluginKind, uri: URL, settings: Settings): Selection {
  return { ...byName(kind, uri.protocol.slice(0, -1), settings), uri };
}

function byDefault(kind: PluginKind, settings: Settings): Selection {
  return byName(kind, "file", settings);
}

function byName(kind: PluginKind, name: string, { pluginConfig }: Settings): Selection {
  const id = `${kind}.${name}`;
  return { kind, name, settings: pluginConfig[id] ?? EMPTY_MAP, section: `teleport.plugin_config.${id}` };
}
