/** What a session has besides its program: the user's agent, the user's display. */
import { errorMessage } from "../../errors/error.js";
import type { SshConnection } from "../../ssh/contract.js";
import { terminalText } from "../terminal-text.js";
import type { Client } from "./client.js";
import { chooseAgent, serveForwardedAgent } from "./forwarding/agent-forward.js";
import { displayCookie, parseDisplay } from "./forwarding/x11-display.js";
import { newX11Forward, serveX11, x11Request } from "./forwarding/x11-forward.js";
import type { SessionWish } from "./remote-process.js";
import { say, warn } from "./say.js";

/** How X11 is forwarded: clients on the node are trusted like local ones, or confined and for a limited time. */
export type X11Choice = { readonly trusted: true } | { readonly trusted: false; readonly timeoutMs: number };

/** What the user asks for. */
export interface SessionExtras {
  /** Lets the node ask the user's agent, or (`local`) one that holds the login alone. */
  readonly forwardAgent: boolean | "local";
  readonly x11: X11Choice | undefined;
}

/** Prepares what the session is to have besides its program. What cannot be had is a warning, as with ssh. */
export async function sessionWishes(
  client: Client,
  connection: SshConnection,
  call: SessionExtras,
): Promise<SessionWish[]> {
  const wishes: SessionWish[] = [];
  if (call.forwardAgent !== false) {
    serveForwardedAgent(connection, chooseAgent(client.credentials, call.forwardAgent === "local"));
    const onRefused = (): void =>
      warn("the node does not forward the agent: your roles or its settings forbid it");
    wishes.push({ name: "auth-agent-req@openssh.com", onRefused });
  }
  const x11 = call.x11 === undefined ? undefined : await x11Wish(connection, call.x11);
  return x11 === undefined ? wishes : [...wishes, x11];
}

async function x11Wish(connection: SshConnection, choice: X11Choice): Promise<SessionWish | undefined> {
  const { DISPLAY: name } = process.env;
  if (!name) {
    warn("DISPLAY is not set: X11 is not forwarded");
    return undefined;
  }
  try {
    const display = parseDisplay(name);
    const until = choice.trusted ? undefined : new Date(Date.now() + choice.timeoutMs);
    const forward = newX11Forward(display, await displayCookie(display, choice), until);
    serveX11(connection, forward, (message) => say(`error: ${terminalText(message)}`));
    const onRefused = (): void => warn("the node does not forward X11: your roles or its settings forbid it");
    return { name: "x11-req", payload: x11Request(forward), onRefused };
  } catch (error) {
    warn(`X11 is not forwarded: ${terminalText(errorMessage(error))}`);
    return undefined;
  }
}
