import { lstat, realpath } from "node:fs/promises";
import { register } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { resolve as resolveImport } from "import-meta-resolve";
import { badParameter, notFound } from "../errors/error.js";

/** Packages of the built-in plugins, by plugin id. They are resolved and loaded just like third-party ones. */
export const BUILT_IN_PLUGINS: Readonly<Record<string, string>> = {
  "storage.dir": "@teleport/backend-dir",
  "storage.etcd": "@teleport/backend-etcd",
  "storage.dynamodb": "@teleport/backend-dynamo",
  "tls.files": "@teleport/tls-files",
  "audit.file": "@teleport/audit-file",
  "audit.stdout": "@teleport/audit-stdout",
  "recording.file": "@teleport/recording-file",
};

/**
 * Finds the file of a plugin that teleport.yaml names: a path (`./x.js`, `/x.js`) relative to the folder of
 * teleport.yaml, or an npm name looked up from that folder and then from the installation.
 *
 * Throws `not_found`, or `bad_parameter` where someone other than root and the daemon's user could change the file.
 */
export async function resolveThirdParty(specifier: string, configDir: string): Promise<string> {
  const file = /^(\.{1,2}\/|\/)/.test(specifier)
    ? await existing(path.resolve(configDir, specifier))
    : resolvePackage(specifier, configDir);
  await refuseWritableByOthers(file);
  shareContract();
  return file;
}

/** The file of a package of the installation. Throws `not_found`. */
export function resolveInstalled(packageName: string): string {
  const file = tryResolve(packageName, import.meta.url);
  if (!file) throw notFound(`package ${packageName} is not installed: run npm install again`);
  return file;
}

function resolvePackage(name: string, configDir: string): string {
  const file =
    tryResolve(name, pathToFileURL(path.join(configDir, "teleport.yaml")).href) ??
    tryResolve(name, import.meta.url);
  if (!file) {
    throw notFound(
      `there is no npm package ${name} beside the configuration in ${configDir} or in the installation`,
    );
  }
  return file;
}

function tryResolve(name: string, from: string): string | undefined {
  try {
    return fileURLToPath(resolveImport(name, from));
  } catch {
    return undefined;
  }
}

async function existing(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (cause) {
    throw notFound(`there is no file ${file}`, { cause });
  }
}

/** Code that runs inside the daemon must not be replaceable by anyone the daemon does not trust already. */
async function refuseWritableByOthers(file: string): Promise<void> {
  const trusted = new Set([0, process.getuid?.() ?? 0]);
  for (let place = file; ; place = path.dirname(place)) {
    const info = await lstat(place);
    const sticky = (info.mode & 0o1000) !== 0;
    if (!trusted.has(info.uid)) {
      throw badParameter(
        `${place} belongs to user ${info.uid}: give it to root or to the user that runs teleport`,
      );
    }
    if ((info.mode & 0o022) !== 0 && !(info.isDirectory() && sticky)) {
      throw badParameter(`${place} can be written by others: run chmod go-w ${place}`);
    }
    if (place === path.dirname(place)) return;
  }
}

let contractShared = false;

/** Lets plugins outside the installation import `@teleport/plugin`: they get the daemon's own copy. */
function shareContract(): void {
  if (contractShared) return;
  contractShared = true;
  const contract = pathToFileURL(resolveInstalled("@teleport/plugin")).href;
  const hook = `export const resolve = (specifier, context, next) =>
    specifier === "@teleport/plugin" ? { url: ${JSON.stringify(contract)}, shortCircuit: true } : next(specifier, context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
