import assert from "node:assert/strict";
import { PlayFilter } from "../../../../../core/cli/tsh/play/filter.js";

describe("the filter of played output", () => {
  const shown = (text: string): string => new PlayFilter().push(Buffer.from(text)).toString();

  it("passes what only shows", () => {
    const output =
      "tab\tünïcode\r\n\u001b[1;31mred\u001b[0m\u001b[2J\u001b[H\u001b[?1049h\u001b[?25l\u001b(0q\u001b[s\u001b[u\u001b7";
    assert.equal(shown(output), output);
    assert.equal(
      shown("\u001b]8;;http://a\u0007link\u001b]8;;\u0007"),
      "\u001b]8;;http://a\u0007link\u001b]8;;\u0007",
    );
  });

  for (const [what, sequence] of [
    ["a question for the cursor", "\u001b[6n"],
    ["a question for the terminal's kind", "\u001b[c"],
    ["another of these", "\u001b[>0c"],
    ["a request for a mode", "\u001b[?25$p"],
    ["a window operation", "\u001b[21t"],
    ["printing", "\u001b[5i"],
    ["the clipboard", "\u001b]52;c;aGk=\u0007"],
    ["a title", "\u001b]0;title\u001b\\"],
    ["a question for a setting", "\u001bP$qm\u001b\\"],
    ["mouse reports", "\u001b[?1000;1006h"],
    ["bracketed paste", "\u001b[?2004h"],
    ["another keyboard", "\u001b[>1u"],
    ["modified keys", "\u001b[>4;2m"],
    ["the keypad", "\u001b="],
    ["an enquiry", "\u0005"],
  ] as const) {
    it(`drops ${what}`, () => assert.equal(shown(`a${sequence}b`), "ab"));
  }

  it("keeps what shows of several modes, also where output is cut", () => {
    assert.equal(shown("\u001b[?25;1000l"), "\u001b[?25l");
    const filter = new PlayFilter();
    assert.equal(filter.push(Buffer.from("a\u001b[6")).toString(), "a");
    assert.equal(filter.push(Buffer.from("nb")).toString(), "b");
  });
});
