import { LineCounter, isAlias, isMap, isScalar, parseAllDocuments, parseDocument } from "yaml";
import type { Alias, Document, Node, Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { Finding, Position } from "./problem.js";
import type { PositionedEntry, PositionedMap, PositionedNode } from "./positioned.js";
import { plainScalar } from "./scalar.js";
import { describeYamlError } from "./yaml-error.js";
import { checkYamlSize } from "./yaml-limits.js";
import { streamParts } from "./yaml-stream.js";

/** What a YAML text holds. */
export interface YamlDocument {
  /** The tree; absent where the text is not sound YAML. Duplicate keys are findings beside a tree. */
  readonly root?: PositionedNode | undefined;
  readonly findings: readonly Finding[];
}

/** Most values a file may have once its aliases are expanded; stops alias bombs. */
const MAX_VALUES = 50_000;

const OPTIONS = {
  // The failsafe schema leaves every scalar as text: what it means is for the reader's schema to say.
  schema: "failsafe",
  prettyErrors: false,
  uniqueKeys: false,
} as const;

/**
 * Reads one YAML document, with anchors, aliases and merge keys. Never throws for bad input; `prefix` begins what is
 * said of a text that is not YAML.
 */
export function parseYaml(source: string, prefix = ""): YamlDocument {
  const text = withoutByteOrderMark(source);
  const oversize = checkYamlSize(text);
  if (oversize) return prefixed({ findings: [oversize] }, prefix);
  const lines = new LineCounter();
  return prefixed(readDocument(parseDocument(text, { ...OPTIONS, lineCounter: lines }), lines), prefix);
}

/**
 * Reads a stream of YAML documents, of JSON too; empty ones are left out. The stream may have any length, since each
 * document is parsed when it is asked for. Never throws for bad input.
 */
export function* parseYamlDocuments(source: string): Generator<YamlDocument> {
  for (const { text, linesBefore } of streamParts(withoutByteOrderMark(source))) {
    const oversize = checkYamlSize(text, "the document");
    if (oversize) {
      yield { findings: [movedDown(oversize, linesBefore)] };
      continue;
    }
    const lineCounter = new LineCounter();
    const lines: Lines = {
      linePos: (offset) => {
        const { line, col } = lineCounter.linePos(offset);
        return { line: line + linesBefore, col };
      },
    };
    for (const document of parseAllDocuments(text, { ...OPTIONS, lineCounter })) {
      const read = readDocument(document, lines);
      if (read.findings.length > 0 || !isEmpty(read.root)) yield read;
    }
  }
}

function movedDown({ position, ...finding }: Finding, lines: number): Finding {
  return { ...finding, position: { ...position, line: position.line + lines } };
}

function readDocument(document: Document.Parsed, lines: Lines): YamlDocument {
  const syntax = [...document.errors, ...document.warnings].map((error): Finding => ({
    position: positionAt(lines, error.pos[0]),
    message: describeYamlError(error),
  }));
  if (syntax.length > 0) return { findings: firstOfEachLine(syntax) };
  return new TreeBuilder(document, lines).build();
}

/** A text without a tree is no YAML: what is said of it begins with the prefix. */
function prefixed({ root, findings }: YamlDocument, prefix: string): YamlDocument {
  if (root !== undefined) return { root, findings };
  return {
    findings: findings.map((finding) => ({ ...finding, message: `${prefix}yaml: ${finding.message}` })),
  };
}

const withoutByteOrderMark = (source: string): string => source.replace(/^\ufeff/, "");

const isEmpty = (node: PositionedNode | undefined): boolean =>
  node?.kind === "scalar" && node.value === null && node.text === "";

/** Says where an offset lies. */
type Lines = Pick<LineCounter, "linePos">;

class TreeBuilder {
  private readonly duplicates: Finding[] = [];
  private readonly unsound: Finding[] = [];
  private readonly anchors = new Map<string, { node: PositionedNode; size: number } | "open">();
  private size = 0;

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: Lines,
  ) {}

  build(): YamlDocument {
    const root = this.node(this.document.contents);
    return this.unsound.length > 0 ? { findings: this.unsound } : { root, findings: this.duplicates };
  }

  private node(node: ParsedNode | Node | null): PositionedNode {
    if (node !== null && isAlias(node)) return this.alias(node);
    const anchor = node?.anchor;
    if (anchor !== undefined) this.anchors.set(anchor, "open");
    const before = this.size++;
    const built = this.content(node);
    if (anchor !== undefined) this.anchors.set(anchor, { node: built, size: this.size - before });
    return built;
  }

  private content(node: Node | null): PositionedNode {
    const position = this.position(node);
    if (node === null) return { kind: "scalar", position, value: null, text: "" };
    if (isScalar(node)) return this.scalar(node as Scalar<string>, position);
    if (isMap(node)) return this.map(node as YAMLMap<Node, Node | null>, position);
    return { kind: "list", position, items: (node as YAMLSeq<Node>).items.map((item) => this.node(item)) };
  }

  private scalar(node: Scalar<string>, position: Position): PositionedNode {
    const text = node.value;
    const isText = node.type !== "PLAIN" || node.tag !== undefined;
    return { kind: "scalar", position, text, value: isText ? text : plainScalar(text) };
  }

  private alias(alias: Alias): PositionedNode {
    const position = this.position(alias);
    const target = this.anchors.get(alias.source);
    const empty: PositionedNode = { kind: "scalar", position, value: null, text: "" };
    if (target === undefined) return this.fail(position, `unknown anchor '${alias.source}'`, empty);
    if (target === "open") return this.fail(position, `alias '${alias.source}' contains itself`, empty);
    const wasWithin = this.size <= MAX_VALUES;
    this.size += target.size;
    if (this.size <= MAX_VALUES) return target.node;
    return wasWithin ? this.fail(position, `aliases expand to more than ${MAX_VALUES} values`, empty) : empty;
  }

  private map(map: YAMLMap<Node, Node | null>, position: Position): PositionedMap {
    const entries = new Map<string, PositionedEntry>();
    const merged: PositionedMap[] = [];
    for (const pair of map.items) {
      const keyPosition = this.position(pair.key);
      if (isMergeKey(pair)) {
        merged.push(...this.mergeSources(pair.value, keyPosition));
        continue;
      }
      const key = this.node(pair.key);
      const node = this.node(pair.value ?? null);
      if (key.kind !== "scalar") {
        this.fail(keyPosition, "a key must be plain text", undefined);
        continue;
      }
      const first = entries.get(key.text);
      if (first) {
        const message = `duplicate key '${key.text}', first given in line ${first.keyPosition.line}`;
        this.duplicates.push({ position: keyPosition, message });
      } else {
        // An empty value has no place of its own: its key's is what the user looks for.
        const empty = node.kind === "scalar" && node.text === "" && node.value === null;
        entries.set(key.text, { keyPosition, node: empty ? { ...node, position: keyPosition } : node });
      }
    }
    for (const source of merged) {
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { kind: "map", position, entries };
  }

  private mergeSources(value: Node | null, position: Position): PositionedMap[] {
    const node = this.node(value);
    const sources = node.kind === "list" ? node.items : [node];
    const maps = sources.filter((source) => source.kind === "map");
    if (maps.length < sources.length)
      this.fail(position, "'<<' must name a map or a list of maps", undefined);
    return maps;
  }

  private fail<T>(position: Position, message: string, result: T): T {
    this.unsound.push({ position, message });
    return result;
  }

  private position(node: Node | null): Position {
    return positionAt(this.lines, node?.range?.[0] ?? 0);
  }
}

function isMergeKey(pair: Pair<Node, Node | null>): boolean {
  return isScalar(pair.key) && pair.key.value === "<<" && pair.key.type === "PLAIN";
}

function positionAt(lines: Lines, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** One slip often upsets the parser several times; the first complaint of a line is the useful one. */
function firstOfEachLine(findings: readonly Finding[]): Finding[] {
  const byLine = new Map<number, Finding>();
  for (const finding of findings) {
    if (!byLine.has(finding.position.line)) byLine.set(finding.position.line, finding);
  }
  return [...byLine.values()];
}
