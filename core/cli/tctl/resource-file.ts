/** Reads the resources of a file, `tctl create`'s: a stream of YAML or JSON documents. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { check } from "../../document/check.js";
import { locate, type PositionedNode } from "../../document/positioned.js";
import { ConfigError, problemIn, type Finding } from "../../document/problem.js";
import { unknownKeys } from "../../document/unknown-keys.js";
import { parseYamlDocuments } from "../../document/yaml-document.js";
import { badParameter, errorMessage } from "../../errors/error.js";
import { systemErrorText } from "../../errors/system-error.js";
import { creationOf, type Creation } from "./resource-changes.js";
import { resourceKind, type AnyResource } from "./resource-kinds.js";

/** A resource that is to be created. */
export interface FileResource {
  readonly kind: string;
  readonly resource: AnyResource;
  readonly creation: Creation;
}

/** The name of standard input. */
export const STDIN = "-";

/** Reads a file, or standard input for {@link STDIN}. Throws `bad_parameter` naming the file. */
export async function readText(file: string): Promise<string> {
  try {
    return file === STDIN ? readFileSync(0, "utf8") : await readFile(file, "utf8");
  } catch (cause) {
    throw badParameter(`cannot read ${file}: ${systemErrorText(cause) ?? errorMessage(cause)}`, { cause });
  }
}

/**
 * The resources of a text, in its order. Throws `config` with the place of everything that is wrong in any of them, and
 * `bad_parameter` for an empty text. What the text says is never quoted: it may hold private keys.
 */
export function parseResources(text: string, fileName: string): FileResource[] {
  const read = [...parseYamlDocuments(text)].map(({ root, findings }) =>
    root === undefined || findings.length > 0 ? { findings } : parseResource(root),
  );
  if (read.length === 0) throw badParameter("no resources found, empty input?");
  const findings = read.flatMap((result) => ("findings" in result ? result.findings : []));
  if (findings.length > 0) throw new ConfigError(findings.map((finding) => problemIn(fileName, finding)));
  return read.filter((result) => "resource" in result);
}

function parseResource(root: PositionedNode): FileResource | { readonly findings: readonly Finding[] } {
  const named = locate(root, ["kind"]);
  if (named.path.length === 0 || named.node.kind !== "scalar") {
    return { findings: [{ position: root.position, message: "a resource must have a kind" }] };
  }
  let kind: string;
  let creation: Creation;
  try {
    kind = resourceKind(named.node.text).kind;
    creation = creationOf(kind);
  } catch (error) {
    return { findings: [{ position: named.node.position, message: errorMessage(error) }] };
  }
  const { schema } = creation;
  const checked = check(schema, root);
  if (!checked.ok) return checked;
  const findings = unknownKeys(schema, root, checked.value);
  return findings.length > 0 ? { findings } : { kind, creation, resource: checked.value as AnyResource };
}
