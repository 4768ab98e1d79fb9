import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { badParameter, hasCode, unavailable } from "../../errors/error.js";
import { isUuidInAnyCase } from "../../grammar/uuid.js";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";

/** Long enough for servers that cannot hear of the lock now to hear of it later. */
const LOCK_MS = 60 * 60_000;
const PATIENCE_MS = 15_000;
const LOOK_AGAIN_MS = 250;

/** `tctl sessions terminate <id>`. */
export function configure(command: Command): void {
  command
    .argument("<session-id>", "the session, see tctl sessions ls")
    .option("--message <text>", "what its participants are told", "terminated by an administrator")
    .action((id: string, flags: { message: string }, command: Command) =>
      withAuth(command, (context) => terminateSession(context, id, flags.message)),
    );
  withExamples(command, 'tctl sessions terminate 8f1c0b5e-… --message="maintenance"');
}

/** Ends a live session by a lock on its id, and waits until it is gone. */
export async function terminateSession(
  { api, print, clock }: TctlContext,
  sessionId: string,
  message: string,
): Promise<void> {
  if (!isUuidInAnyCase(sessionId))
    throw badParameter(`'${sessionId}' is not a valid session ID (must be GUID)`);
  const id = sessionId.toLowerCase();
  await api.getSession("default", id);
  const start = clock.now().getTime();
  await api.upsertLock({
    kind: "lock",
    version: "v2",
    metadata: { name: randomUUID() },
    spec: { target: { session: id }, message, expires: new Date(start + LOCK_MS).toISOString() },
  });
  const isLive = (): Promise<boolean> =>
    api.getSession("default", id).then(
      () => true,
      (error: unknown) => {
        if (hasCode(error, "not_found")) return false;
        throw error;
      },
    );
  while (await isLive()) {
    if (clock.now().getTime() - start > PATIENCE_MS) {
      throw unavailable(
        `session ${id} is locked, but has not ended yet: its server may be out of reach, and will end it once it is back`,
      );
    }
    await clock.sleep(LOOK_AGAIN_MS);
  }
  await print(`Session ${id} has been terminated.\n`);
}
