/** A stream of YAML documents, cut at its `---` lines, so that each is read, and bounded, on its own. */

/** A part of a stream that holds whole documents, mostly one. */
export interface StreamPart {
  readonly text: string;
  /** How many lines of the stream lie before it. */
  readonly linesBefore: number;
}

/** A line that begins a document. At the start of a line YAML takes `---` for nothing else, whatever surrounds it. */
const MARKER = /^---(?=[ \t\r\n]|$)/gm;

/** Directives and comments before a marker belong to the document that it begins. */
const DIRECTIVE = /^(?:[%#].*|[ \t\r]*)$/;

/** The parts of a stream, in order. */
export function streamParts(text: string): StreamPart[] {
  const parts: StreamPart[] = [];
  let start = 0;
  let linesBefore = 0;
  const cut = (end: number): void => {
    const part = text.slice(start, end);
    parts.push({ text: part, linesBefore });
    linesBefore += part.split("\n").length - 1;
    start = end;
  };
  for (const { index } of text.matchAll(MARKER)) {
    const before = text.slice(start, index).split("\n");
    if (!before.every((line) => DIRECTIVE.test(line))) cut(index);
  }
  cut(text.length);
  return parts;
}
