/** What the daemon and a session's own process (pam-session.ts) say to each other, over Node's IPC channel. */
import type { ExitStatus } from "../../session/session-process.js";
import type { Launch, LaunchTools } from "../launcher.js";
import type { PamLogin } from "./pam-transaction.js";

/** The daemon's first message: what to do. */
export interface PamRequest extends PamLogin {
  /** The primary group of the login. */
  readonly gid: number;
  /** Whether the `auth` modules have to agree too. */
  readonly authenticate: boolean;
  /** The program to run in the session; absent where only the account is in question. */
  readonly launch: Launch | undefined;
  readonly tools: LaunchTools;
}

/** The daemon's later messages: a signal for the program's process group, or the end of its client. */
export type PamOrder = { readonly signal: NodeJS.Signals } | { readonly hangUp: true };

/** What the session's process answers: one of the first three, and after `started` also `exited`. */
export type PamReport =
  | { readonly kind: "admitted" }
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "refused"; readonly denied: boolean; readonly reason: string }
  | { readonly kind: "exited"; readonly status: ExitStatus }
  | { readonly kind: "closed"; readonly problems: readonly string[] };
