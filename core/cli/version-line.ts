import { VERSION } from "../grammar/version.js";

/** The line of every program's `version` command. */
export function versionLine(): string {
  return `Teleport v${VERSION} git: node${process.versions.node}`;
}
