import type { Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { systemClock } from "../../../plugin/clock.js";
import { buildFrames } from "../../../recording/player.js";
import { isSessionId } from "../../../recording/session-id.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { withAuth } from "../auth-client.js";
import { readGlobalFlags } from "../global-flags.js";
import { readKeys } from "../play-keys.js";
import { dumpSession, playSession, type Screen } from "../play-session.js";
import { withClient } from "../relogin.js";
import { SessionOutput } from "../session-output.js";
import { enterRawMode, terminalSize } from "../terminal.js";

/** `tsh play` (features.md §3.6). */
export function configure(command: Command): void {
  command
    .argument("<session-id>", "id of the recorded session")
    .option("--cluster <name>", "cluster of the recording")
    .action((id: string, options: { cluster?: string }) => {
      if (!isSessionId(id)) throw badParameter(`'${id}' is not a valid session ID (must be GUID)`);
      return withClient({ ...readGlobalFlags(command), ...options }, (client) =>
        withAuth(client, async (api) => {
          const frames = buildFrames(await api.getSessionEvents(id));
          const recording = { frames, output: new SessionOutput(api, id), screen: stdoutScreen() };
          if (process.stdout.isTTY) await playWithKeys(recording);
          else await dumpSession(recording);
          await printToStdout("\n\nend of session playback\n");
        }),
      );
    });
  withExamples(
    command,
    "tsh play 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25            # space pauses, arrows move, + and - change the speed",
    "tsh play 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25 > output   # everything at once",
  );
}

async function playWithKeys(recording: Parameters<typeof dumpSession>[0]): Promise<void> {
  const leaveRawMode = enterRawMode();
  try {
    await playSession({ ...recording, keys: readKeys(process.stdin), clock: systemClock });
  } finally {
    leaveRawMode();
    process.stdin.pause();
  }
}

function stdoutScreen(): Screen {
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
      }),
    columns: () => terminalSize().columns,
  };
}
