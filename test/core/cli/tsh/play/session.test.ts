import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { exportSession, type ExportFormat } from "../../../../../core/cli/tsh/play/export.js";
import { readKeys } from "../../../../../core/cli/tsh/play/keys.js";
import { playSession, type Playing } from "../../../../../core/cli/tsh/play/session.js";
import { openClusterRecording, type RecordingApi } from "../../../../../core/cli/tsh/play/source.js";
import { accessDenied, notFound } from "../../../../../core/errors/error.js";
import { ManualClock } from "../../../../../core/plugin/kit/manual-clock.js";

const SID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
const RECORDED = Buffer.from("onetwothree");
const print = (offset: number, bytes: number, ms: number): Record<string, unknown> => ({
  event: "print",
  offset,
  bytes,
  ms,
});
const EVENTS = [
  { event: "session.start", size: "100:30", time: "2026-11-22T10:00:00Z" },
  print(0, 3, 0),
  print(3, 3, 400),
  print(6, 5, 60_400),
];

/** A 4.2 server's API: no timelines. */
function olderApi(events: Record<string, unknown>[], onChunk: () => void = () => undefined): RecordingApi {
  const unknown = () => Promise.reject(notFound("there is no such path"));
  return {
    getSessionTimeline: unknown,
    getSessionScreen: unknown,
    getSessionEventPage: unknown,
    getSessionEvents: async () => events,
    getSessionChunk: async (_id, offset, maxBytes) => {
      onChunk();
      return RECORDED.subarray(offset, offset + Math.min(maxBytes, 4));
    },
  };
}

describe("tsh play", () => {
  let clock: ManualClock;
  let keyboard: PassThrough;
  let shown: string;

  beforeEach(() => {
    clock = new ManualClock();
    keyboard = new PassThrough();
    shown = "";
  });

  const play = async (options: Partial<Playing> = {}): Promise<void> =>
    playSession({
      source: await openClusterRecording(olderApi(EVENTS), SID),
      terminal: {
        write: async (data) => void (shown += Buffer.from(data as Uint8Array).toString()),
        columns: () => 80,
      },
      keys: readKeys(keyboard),
      clock,
      speed: 1,
      pauses: { kind: "as-4.2" },
      ...options,
    });
  /** Lets everything happen that needs no time. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await turn();
  };
  const started = async (options?: Partial<Playing>): Promise<{ playing: Promise<void> }> => {
    const playing = play(options);
    await settle();
    await clock.advance(0);
    await settle();
    return { playing };
  };
  /** What is seen since the screen was last cleared. */
  const text = (): string =>
    shown
      .slice(shown.lastIndexOf("\u001b[2J") + 1)
      .replace(/^\[2J/, "")
      .replace(/\u001b7.*?\u001b8|\u001b\[[?!]?[\d;]*[a-z]|\u001b\(B/g, "");
  const press = async (keys: string): Promise<void> => {
    keyboard.write(keys);
    await settle();
  };

  it("shows output in time, long pauses cut to a second, and the recorded size", async () => {
    const { playing } = await started();
    assert.match(shown, /\u001b\[8;30;100t/);
    assert.equal(text(), "one");
    await clock.advance(249);
    await settle();
    assert.equal(text(), "one");
    await clock.advance(1);
    await settle();
    assert.equal(text(), "onetwo");
    await clock.advance(1000);
    await playing;
    assert.equal(text(), "onetwothree");
  });

  it("pauses, goes forward, and back by painting anew", async () => {
    const { playing } = await started();
    await press(" ");
    await clock.advance(60_000);
    await settle();
    assert.equal(text(), "one");
    await press("\u001b[C");
    assert.equal(text(), "onetwothree");
    await press("\u001b[D");
    assert.equal(text(), "onetwo");
    await press("\u0003");
    await playing;
  });

  it("goes to the beginning, the end, tenths and minutes", async () => {
    const { playing } = await started();
    await press("\u001b[F");
    assert.equal(text(), "onetwothree");
    assert.match(shown, /00:01:00/);
    await press("\u001bOH");
    assert.equal(text(), "");
    await press("9");
    assert.equal(text(), "onetwo");
    await press("\u001b[6~");
    assert.equal(text(), "onetwothree");
    await press("\u001b[5~");
    assert.equal(text(), "onetwo");
    await press("q");
    await playing;
  });

  it("keeps a key that comes while nobody waits for one", async () => {
    const keys = readKeys(keyboard);
    const aborted = new AbortController();
    const first = keys.next(aborted.signal);
    aborted.abort();
    assert.equal(await first, undefined);
    keyboard.write("q");
    await settle();
    assert.equal(await keys.next(new AbortController().signal), "stop");
  });

  it("takes no key from what the terminal answers", async () => {
    const { playing } = await started();
    await press(" \u001b[24;80R\u001b]11;rgb:9/9/9\u0007\u001b[?1;2c");
    assert.equal(text(), "one");
    await press("\u0003");
    await playing;
  });

  it("plays faster and slower, with other pauses, and a part only", async () => {
    const { playing } = await started({ pauses: { kind: "at-most", limitMs: 20_000 }, toMs: 1000 });
    await press("+");
    await clock.advance(200);
    await playing;
    assert.equal(text(), "onetwo");
    shown = "";
    const late = await started({ fromMs: 400 });
    assert.equal(text(), "onetwo");
    await clock.advance(1000);
    await late.playing;
    assert.equal(text(), "onetwothree");
  });

  it("leaves the terminal in its ordinary modes, also when it fails", async () => {
    const source = await openClusterRecording(olderApi([print(0, 100, 0)]), SID);
    const failing = play({ source });
    const rejected = assert.rejects(failing, /ends before its last event/);
    await settle();
    await clock.advance(0);
    await rejected;
    assert.match(shown, /\u001b\[\?25h/);
  });

  it("tells a recording that is missing or forbidden from a server without timelines", async () => {
    const missing = { ...olderApi([]), getSessionEvents: () => Promise.reject(notFound("no recording")) };
    await assert.rejects(openClusterRecording(missing, SID), { code: "not_found", message: "no recording" });
    const denied = { ...olderApi([]), getSessionTimeline: () => Promise.reject(accessDenied("not you")) };
    await assert.rejects(openClusterRecording(denied, SID), { code: "access_denied" });
  });

  describe("writes where nobody watches", () => {
    const written = async (format: ExportFormat, range = {}, events: Record<string, unknown>[] = EVENTS) => {
      let fetched = 0;
      const chunks: Buffer[] = [];
      const source = await openClusterRecording(
        olderApi(events, () => fetched++),
        SID,
      );
      const write = async (data: string | Uint8Array) => void chunks.push(Buffer.from(data as Uint8Array));
      await exportSession(format, { source, write, ...range });
      return { text: Buffer.concat(chunks).toString(), fetched };
    };

    it("the output at once, fetching piece by piece", async () => {
      assert.deepEqual(await written("pty"), { text: "onetwothree", fetched: 3 });
      assert.equal((await written("pty", { fromMs: 100, toMs: 500 })).text, "two");
    });

    it("events as JSON lines and YAML documents, with the output in them", async () => {
      const lines = (await written("json")).text.trimEnd().split("\n");
      const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        events.map(({ event }) => event),
        ["session.start", "print", "print", "print"],
      );
      assert.equal(Buffer.from(String(events[3]?.["data"]), "base64").toString(), "three");
      const yaml = (await written("yaml")).text;
      assert.equal(yaml.match(/^---$/gm)?.length, 4);
      assert.match(yaml, /^data: dHdv$/m);
    });

    it("an asciicast: header, output, sizes", async () => {
      const resized = [...EVENTS, { event: "resize", size: "120:40" }];
      const lines = (await written("asciicast", { idleLimitMs: 2000 }, resized)).text.trimEnd().split("\n");
      assert.deepEqual(JSON.parse(lines[0] ?? ""), {
        version: 2,
        width: 100,
        height: 30,
        timestamp: 1795341600,
        idle_time_limit: 2,
        title: `session ${SID}`,
        env: { TERM: "xterm" },
      });
      assert.deepEqual(
        lines.slice(1).map((line) => JSON.parse(line) as unknown),
        [
          [0, "o", "one"],
          [0.4, "o", "t"],
          [0.4, "o", "wo"],
          [60.4, "o", "th"],
          [60.4, "o", "ree"],
          [60.4, "r", "120x40"],
        ],
      );
    });

    it("an asciicast of a part, which begins with the screen of that moment", async () => {
      const lines = (await written("asciicast", { fromMs: 400 })).text.trimEnd().split("\n").slice(1);
      const output = lines.map((line) => JSON.parse(line) as [number, string, string]);
      assert.equal(output.map(([, , data]) => data).join(""), "onetwothree");
      assert.deepEqual([output[0]?.[0], output.at(-1)?.[0]], [0, 60]);
    });
  });
});
