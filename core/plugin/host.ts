/**
 * The plugin host: finds, checks and runs plugins. A plugin's life is resolve → load → schema → graph → create → start →
 * drain → close; whatever fails is a `plugin` error naming the plugin, the phase and the cause, and stops the start.
 */
import { pathToFileURL } from "node:url";
import semver from "semver";
import { badParameter, errorMessage, notFound, unavailable } from "../errors/error.js";
import {
  PLUGIN_API_VERSION,
  type PluginContext,
  type PluginDefinition,
  type PluginInstance,
  type PluginKind,
} from "./define.js";
import { pluginFailure, type PluginPhase } from "./failure.js";
import { BUILT_IN_PLUGINS, resolveInstalled, resolveThirdParty } from "./resolver.js";

const KINDS: ReadonlySet<string> = new Set<PluginKind>(["storage", "tls", "audit", "recording"]);
const ID = /^(storage|tls|audit|recording)\.[a-z][a-z0-9-]*$/;
const LOAD_TIMEOUT_MS = 10_000;
const CREATE_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 10_000;

/** The plugins that a configuration can choose from. */
export interface PluginHost {
  /** The ids of the third-party plugins, in the order of their specifiers. */
  readonly thirdParty: readonly string[];
  /** The definition of `<kind>.<name>`. Throws `plugin` where there is none or it cannot be loaded. */
  definition<K extends PluginKind>(kind: K, name: string): Promise<PluginDefinition<K>>;
}

/** A plugin that runs. */
export interface RunningPlugin<K extends PluginKind> {
  readonly id: string;
  readonly product: PluginInstance<K>["product"];
  drain(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the host: third-party plugins are loaded and checked at once, so that a broken one stops the start even where
 * nothing selects it. `specifiers` are the entries of `teleport.plugins`, `configDir` the folder of teleport.yaml.
 */
export async function openPluginHost(specifiers: readonly string[], configDir: string): Promise<PluginHost> {
  const thirdParty = new Map<string, PluginDefinition>();
  for (const specifier of specifiers) {
    const file = await phase(specifier, "resolve", () => resolveThirdParty(specifier, configDir));
    const definition = await load(specifier, file);
    if (definition.id in BUILT_IN_PLUGINS || thirdParty.has(definition.id)) {
      throw pluginFailure(
        specifier,
        "load",
        badParameter(`the id ${definition.id} is taken by another plugin`),
      );
    }
    thirdParty.set(definition.id, definition);
  }

  return {
    thirdParty: [...thirdParty.keys()],
    async definition<K extends PluginKind>(kind: K, name: string): Promise<PluginDefinition<K>> {
      const id = `${kind}.${name}`;
      const loaded = thirdParty.get(id) ?? (await loadBuiltIn(id, [...thirdParty.keys()]));
      return loaded as unknown as PluginDefinition<K>;
    },
  };
}

/** Creates and starts a plugin from settings that its schema has accepted. A failed start closes what was created. */
export async function runPlugin<K extends PluginKind>(
  definition: PluginDefinition<K>,
  settings: unknown,
  context: PluginContext,
): Promise<RunningPlugin<K>> {
  const { id } = definition;
  const instance = await phase(id, "create", () =>
    within(CREATE_TIMEOUT_MS, async () => checkInstance(await definition.create(settings, context))),
  );
  try {
    await phase(id, "start", () =>
      within(definition.startTimeoutMs ?? START_TIMEOUT_MS, async () => instance.start?.()),
    );
  } catch (error) {
    await closeQuietly(instance);
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    id,
    product: instance.product,
    drain: () => phase(id, "drain", async () => instance.drain?.()),
    close: () => (closing ??= phase(id, "close", () => within(CLOSE_TIMEOUT_MS, () => instance.close()))),
  };
}

/**
 * Refuses plugins that need each other in a circle, or a kind that nobody provides. `uses` of each selected plugin
 * points at kinds; the path is named as `audit.s3 → storage.x → …`.
 */
export function checkPluginGraph(selected: readonly PluginDefinition[]): void {
  const visit = (definition: PluginDefinition, path: readonly string[]): void => {
    const trail = [...path, definition.id];
    if (path.includes(definition.id)) {
      throw pluginFailure(
        definition.id,
        "graph",
        badParameter(`plugins need each other: ${trail.join(" → ")}`),
      );
    }
    for (const kind of definition.uses ?? []) {
      const providers = selected.filter((candidate) => candidate.kind === kind);
      if (providers.length === 0) {
        throw pluginFailure(definition.id, "graph", notFound(`${trail.join(" → ")} needs a ${kind} plugin`));
      }
      for (const provider of providers) visit(provider, trail);
    }
  };
  for (const definition of selected) visit(definition, []);
}

async function loadBuiltIn(id: string, thirdParty: readonly string[]): Promise<PluginDefinition> {
  const packageName = BUILT_IN_PLUGINS[id];
  if (!packageName) {
    const kind = id.slice(0, id.indexOf("."));
    const known = [...Object.keys(BUILT_IN_PLUGINS), ...thirdParty].filter((other) =>
      other.startsWith(`${kind}.`),
    );
    throw pluginFailure(id, "resolve", notFound(`there is no such plugin; known are ${known.join(", ")}`));
  }
  const file = await phase(id, "resolve", () => Promise.resolve(resolveInstalled(packageName)));
  return load(id, file);
}

async function load(name: string, file: string): Promise<PluginDefinition> {
  const module = await phase(name, "load", () =>
    within(LOAD_TIMEOUT_MS, () => import(pathToFileURL(file).href) as Promise<{ default?: unknown }>),
  );
  return phase(name, "load", () => Promise.resolve(checkDefinition(module.default)));
}

function checkDefinition(value: unknown): PluginDefinition {
  if (typeof value !== "object" || value === null) {
    throw badParameter("its module has no default export made by definePlugin({...})");
  }
  const candidate = value as Partial<PluginDefinition>;
  if (typeof candidate.id !== "string" || !ID.test(candidate.id)) {
    throw badParameter(`its id ${JSON.stringify(candidate.id)} is not of the form kind.name`);
  }
  if (typeof candidate.kind !== "string" || !KINDS.has(candidate.kind)) {
    throw badParameter(`its kind ${JSON.stringify(candidate.kind)} is not one of ${[...KINDS].join(", ")}`);
  }
  if (!candidate.id.startsWith(`${candidate.kind}.`)) {
    throw badParameter(`its id ${candidate.id} does not belong to its kind ${candidate.kind}`);
  }
  const range = candidate.apiVersion;
  if (typeof range !== "string" || semver.validRange(range) === null) {
    throw badParameter(
      `its apiVersion ${JSON.stringify(range)} is not a semver range such as ^${PLUGIN_API_VERSION}`,
    );
  }
  if (!semver.satisfies(PLUGIN_API_VERSION, range)) {
    throw badParameter(`it works with plugin API ${range}, this teleport has ${PLUGIN_API_VERSION}`);
  }
  if (typeof (candidate.schema as { safeParse?: unknown } | undefined)?.safeParse !== "function") {
    throw badParameter("it has no schema (use z.strictObject({}) where it takes no settings)");
  }
  for (const kind of candidate.uses ?? []) {
    if (!KINDS.has(kind)) throw badParameter(`it uses ${JSON.stringify(kind)}, which is no kind of plugin`);
  }
  if (typeof candidate.create !== "function") throw badParameter("it has no create function");
  return value as PluginDefinition;
}

function checkInstance<K extends PluginKind>(value: PluginInstance<K>): PluginInstance<K> {
  if (typeof value !== "object" || value === null || typeof value.product !== "object") {
    throw badParameter("create returned no instance with a product");
  }
  if (typeof value.close !== "function") throw badParameter("create returned an instance without close");
  return value;
}

async function phase<T>(id: string, name: PluginPhase, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw pluginFailure(id, name, error);
  }
}

async function within<T>(limitMs: number, run: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable(`it took longer than ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([run(), expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** The start failed already; a second failure must not hide the first. */
async function closeQuietly(instance: PluginInstance<PluginKind>): Promise<void> {
  try {
    await within(CLOSE_TIMEOUT_MS, () => instance.close());
  } catch (error) {
    process.emitWarning(`a plugin that did not start did not close either: ${errorMessage(error)}`);
  }
}
