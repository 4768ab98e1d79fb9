/** What runs the programs of sessions: the operating system of a node, or the server behind a recording proxy. */
import type { Program } from "./program.js";
import type { SessionProcess } from "./session-process.js";
import type { PtyRequest } from "./session-requests.js";
import type { SshChannel } from "../ssh/contract.js";
import type { X11Request } from "./x11-request.js";

/** What a client asks to be run. */
export interface SessionLaunch {
  readonly program: Program;
  /** Makes the session interactive. */
  readonly pty: PtyRequest | undefined;
  /** The client's own variables, each one settable (settable-variable.ts). */
  readonly environment: ReadonlyMap<string, string>;
  /** Whether the program is to reach the client's agent; only after {@link SessionHost.forwardAgent} has agreed. */
  readonly forwardAgent: boolean;
  /** Name of the X11 display that {@link SessionHost.forwardX11} has opened for the program. */
  readonly display: string | undefined;
}

/** Starts the program of a launch that was made ready. Call at most once; throws `unavailable` where it cannot be started. */
export type StartProgram = (sessionId: string) => Promise<SessionProcess>;

/** Runs the sessions of one connection. */
export interface SessionHost {
  /** Whether the host has the subsystem; clients are refused others. */
  offersSubsystem(name: string): boolean;
  /** Lets later programs reach the client's agent. Throws `access_denied` where the roles do not allow it. */
  forwardAgent(): Promise<void>;
  /**
   * Opens an X11 display that lives as long as the channel, and returns its name. Throws `access_denied` where the
   * roles do not allow it. Absent on hosts that forward none.
   */
  forwardX11?(request: X11Request, channel: SshChannel): Promise<string>;
  /**
   * Makes ready what the program needs, before the session is on record. Throws, with a text for the user, where it
   * cannot run: `access_denied` is audited as a refused login.
   */
  prepare(launch: SessionLaunch): Promise<StartProgram>;
}
