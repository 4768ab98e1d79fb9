/** Reads metrics in Prometheus' text format. */

/** One value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Metrics as of one moment. */
export class Snapshot {
  constructor(
    readonly samples: readonly Sample[],
    readonly at: Date,
  ) {}

  /** All values under a name, those with labels too. */
  all(name: string): Sample[] {
    return this.samples.filter((sample) => sample.name === name);
  }

  /** The sum of the values under a name; undefined where there is none. */
  sum(name: string): number | undefined {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0);
  }
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n" };

/** Parses the text; lines that hold no value are passed over. */
export function parseMetrics(text: string, at: Date): Snapshot {
  const samples = text.split("\n").flatMap((line): Sample[] => {
    const [, name, labels = "", value] = LINE.exec(line.trim()) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", quoted = ""]): [string, string] => [
      key,
      quoted.replace(/\\(.)/g, (_, char: string) => ESCAPED[char] ?? char),
    ]);
    return [{ name, labels: Object.fromEntries(pairs), value: number(value) }];
  });
  return new Snapshot(samples, at);
}

function number(text: string): number {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}
