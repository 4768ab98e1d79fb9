import { open } from "node:fs/promises";
import { Option, type Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { parseDuration } from "../../../grammar/duration.js";
import { systemClock } from "../../../plugin/clock.js";
import { fileError } from "../../../recording/file-error.js";
import { MAX_SPEED, MIN_SPEED, type Pauses } from "../../../recording/player.js";
import { isSessionId } from "../../../recording/session-id.js";
import { ExitWith, withExamples } from "../../program.js";
import { withAuth } from "../auth-client.js";
import { readGlobalFlags } from "../global-flags.js";
import { exportSession, type ExportFormat, type Write } from "../play/export.js";
import { readKeys } from "../play/keys.js";
import { playSession, type PlayRange } from "../play/session.js";
import { openClusterRecording, withRecordingFile, type RecordingSource } from "../play/source.js";
import { withClient } from "../relogin.js";
import { enterRawMode, terminalSize } from "../terminal.js";

interface PlayFlags {
  readonly cluster?: string;
  readonly format: ExportFormat;
  readonly out?: string;
  readonly from?: string;
  readonly to?: string;
  readonly speed: string;
  /** True is `--skip-idle` without a value, false `--no-skip-idle`. */
  readonly skipIdle?: string | boolean;
}

interface PlayOptions extends PlayRange {
  readonly format: ExportFormat;
  readonly out: string | undefined;
  readonly speed: number;
  readonly pauses: Pauses;
}

const DEFAULT_IDLE_LIMIT_MS = 1000;

/** `tsh play` (features.md §3.6; formats and archives as in 5.0). */
export function configure(command: Command): void {
  command
    .argument("<session>", "id of the recorded session, or a recording's archive (file.tar)")
    .option("--cluster <name>", "cluster of the recording")
    .addOption(
      new Option("-f, --format <format>", "what to write")
        .choices(["pty", "json", "yaml", "asciicast"])
        .default("pty"),
    )
    .option("-o, --out <file>", "write to a file instead of the terminal")
    .option("--from <time>", "session time to begin at, such as 90s or 12h")
    .option("--to <time>", "session time to end at")
    .option("--speed <factor>", `speed to begin with, from ${MIN_SPEED} to ${MAX_SPEED}`, "1")
    .option("--skip-idle [limit]", "longest pause (default 1s); without it pauses are shortened as in 4.2")
    .option("--no-skip-idle", "keep pauses as long as they were")
    .action(async (session: string, flags: PlayFlags) => {
      const options = readOptions(flags);
      if (/\.tar$|\//.test(session)) {
        return withRecordingFile(session, (source) => play(source, options));
      }
      if (!isSessionId(session)) throw badParameter(`'${session}' is not a valid session ID (must be GUID)`);
      const { cluster } = flags;
      return withClient({ ...readGlobalFlags(command), ...(cluster && { cluster }) }, (client) =>
        withAuth(client, async (api) => play(await openClusterRecording(api, session), options)),
      );
    });
  withExamples(
    command,
    "tsh play 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25             # space pauses; arrows, Page Up and Down, Home, End,",
    "                                                          # 0 to 9 (tenths) move; + and - change the speed",
    "tsh play --from=2h --skip-idle=2s 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25",
    "tsh play --format=asciicast -o session.cast 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25",
    "tsh play 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25 > output    # everything at once",
  );
}

async function play(source: RecordingSource, options: PlayOptions): Promise<void> {
  const { format, out, pauses } = options;
  const { frameCount } = await source.timeline({ index: 0 }, 1);
  if (frameCount === 0 && (format === "pty" || format === "asciicast")) {
    throw new ExitWith(
      0,
      `the session had no terminal, so there is no output to play; its events: tsh play --format=json ${source.sessionId}`,
    );
  }
  if (format === "pty" && out === undefined && process.stdout.isTTY) {
    await playWithKeys(source, options);
  } else {
    await withWriter(out, (write) => {
      const idleLimitMs = pauses.kind === "at-most" && pauses.limitMs < Infinity ? pauses.limitMs : undefined;
      return exportSession(format, { ...options, source, write, idleLimitMs });
    });
  }
  if (format === "pty" && out === undefined) await writeToStdout("\n\nend of session playback\n");
}

async function playWithKeys(source: RecordingSource, options: PlayOptions): Promise<void> {
  const leaveRawMode = enterRawMode();
  const terminal = { write: writeToStdout, columns: () => terminalSize().columns };
  try {
    await playSession({ ...options, source, terminal, keys: readKeys(process.stdin), clock: systemClock });
  } finally {
    leaveRawMode();
    process.stdin.pause();
  }
}

async function withWriter(out: string | undefined, use: (write: Write) => Promise<void>): Promise<void> {
  if (out === undefined) return use(writeToStdout);
  // What a session showed may hold secrets.
  const file = await open(out, "w", 0o600).catch((error: unknown) => {
    throw fileError("write", out, error);
  });
  try {
    await use((data) => file.appendFile(data));
  } finally {
    await file.close();
  }
}

const writeToStdout: Write = (data) =>
  new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });

/** Throws `bad_parameter`. */
function readOptions({ format, out, from, to, speed, skipIdle }: PlayFlags): PlayOptions {
  const factor = Number(speed);
  if (!(factor >= MIN_SPEED && factor <= MAX_SPEED)) {
    throw badParameter(`--speed must be a number from ${MIN_SPEED} to ${MAX_SPEED}, not '${speed}'`);
  }
  const fromMs = readTime("--from", from);
  const toMs = readTime("--to", to);
  if (fromMs !== undefined && toMs !== undefined && toMs < fromMs) {
    throw badParameter("--to must not be before --from");
  }
  return { format, out, fromMs, toMs, speed: factor, pauses: readPauses(skipIdle) };
}

function readPauses(skipIdle: PlayFlags["skipIdle"]): Pauses {
  if (skipIdle === undefined) return { kind: "as-4.2" };
  if (skipIdle === false) return { kind: "at-most", limitMs: Infinity };
  const limitMs = skipIdle === true ? DEFAULT_IDLE_LIMIT_MS : readTime("--skip-idle", skipIdle);
  return { kind: "at-most", limitMs: limitMs ?? DEFAULT_IDLE_LIMIT_MS };
}

function readTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    const ms = parseDuration(text);
    if (ms >= 0) return Math.floor(ms);
  } catch (error) {
    throw badParameter(`${flag}=${text} is no time such as 90s, 5m or 12h`, { cause: error });
  }
  throw badParameter(`${flag} must not be negative`);
}
