/** Reads a file of `--bootstrap`: the output of `tctl get all`, 4.2's too. */
import { stat, readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { check } from "../document/check.js";
import { locate, type PositionedNode } from "../document/positioned.js";
import {
  ConfigError,
  problemIn,
  type ConfigProblem,
  type Finding,
  type Position,
} from "../document/problem.js";
import { unknownKeys } from "../document/unknown-keys.js";
import { parseYamlDocuments } from "../document/yaml-document.js";
import { badParameter, errorMessage } from "../errors/error.js";
import { systemErrorText } from "../errors/system-error.js";
import { BOOTSTRAP_KINDS, type BootstrapKind } from "./bootstrap-kinds.js";

/** A resource with its place in the file. */
export interface PlacedResource {
  readonly position: Position;
  readonly kind: BootstrapKind;
  readonly name: string;
  readonly value: unknown;
}

/** More is not read by anybody. */
const MAX_PROBLEMS = 20;

/** How many documents are read between two looks at what else there is to do, such as holding the start-up lock. */
const BATCH = 50;

/** Whether others than its owner may read a file. Throws `bad_parameter` where it is not there. */
export async function isOpenToOthers(file: string): Promise<boolean> {
  const { mode } = await stat(file).catch(unreadable);
  return (mode & 0o077) !== 0;
}

/**
 * The resources of a file, in its order. Throws `bad_parameter` for a file that cannot be read or has none, and `config`
 * with the places of what is wrong. What the file says is never quoted: it holds private keys.
 */
export async function readBootstrapFile(file: string): Promise<PlacedResource[]> {
  const text = await readFile(file, "utf8").catch(unreadable);
  const problems: ConfigProblem[] = [];
  const resources: PlacedResource[] = [];
  let documents = 0;
  for (const { root, findings } of parseYamlDocuments(text)) {
    const read = root === undefined || findings.length > 0 ? { findings } : placed(root);
    if ("findings" in read) problems.push(...read.findings.map((finding) => problemIn(file, finding)));
    else resources.push(read);
    if (problems.length >= MAX_PROBLEMS) break;
    if (++documents % BATCH === 0) await setImmediate();
  }
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  if (resources.length === 0) throw badParameter(`no resources found: ${JSON.stringify(file)}`);
  return resources;
}

function unreadable(cause: unknown): never {
  const reason = systemErrorText(cause) ?? errorMessage(cause);
  throw badParameter(`cannot read the file of --bootstrap: ${reason}`, { cause });
}

function placed(root: PositionedNode): PlacedResource | { readonly findings: readonly Finding[] } {
  const named = locate(root, ["kind"]);
  if (named.path.length === 0 || named.node.kind !== "scalar") {
    return { findings: [{ position: root.position, message: "a resource must have a kind" }] };
  }
  const kind = BOOTSTRAP_KINDS.get(named.node.text);
  if (kind === undefined) {
    const message = `a resource of kind ${JSON.stringify(named.node.text)} cannot be bootstrapped, remove it`;
    return { findings: [{ position: named.node.position, message }] };
  }
  const checked = check(kind.schema, root);
  if (!checked.ok) return checked;
  const findings = unknownKeys(kind.schema, root, checked.value);
  if (findings.length > 0) return { findings };
  const { metadata } = checked.value as { metadata: { name: string } };
  return { position: root.position, kind, name: metadata.name, value: checked.value };
}
