/** The X server of this machine: where `DISPLAY` says it is, and the cookie that it asks for (xauth(1)). */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { badParameter, errorMessage, unavailable } from "../../../errors/error.js";

const run = promisify(execFile);

/** The only way to authenticate that is forwarded, as in OpenSSH. */
export const X11_PROTOCOL = "MIT-MAGIC-COOKIE-1";

const FIRST_PORT = 6000;
const XAUTH_TIMEOUT_MS = 10_000;

/** An X display. */
export interface X11Display {
  /** As the user wrote it: what xauth knows it by. */
  readonly name: string;
  readonly screen: number;
  /** Connects to its server. Throws `unavailable`. */
  connect(): Promise<Socket>;
}

/** Reads `DISPLAY`: `[host]:display[.screen]`, or the path of a socket in front of that. Throws `bad_parameter`. */
export function parseDisplay(name: string): X11Display {
  const [, host, digits, screen] = /^(.*):(\d{1,5})(?:\.(\d{1,5}))?$/.exec(name) ?? [];
  if (host === undefined || digits === undefined) {
    throw badParameter(`DISPLAY is '${name}', expected [host]:number: X11 cannot be forwarded`);
  }
  const number = Number(digits);
  const target = host.startsWith("/")
    ? { path: `${host}:${digits}` }
    : host === "" || host === "unix"
      ? { path: `/tmp/.X11-unix/X${number}` }
      : { host: host.replace(/^\[(.*)\]$/, "$1"), port: FIRST_PORT + number };
  return {
    name,
    screen: Number(screen ?? 0),
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ ...target, allowHalfOpen: true });
        socket.on("error", (cause) =>
          reject(unavailable(`cannot connect to the display ${name}: ${cause.message}`, { cause })),
        );
        socket.once("connect", () => resolve(socket));
      }),
  };
}

/**
 * The cookie that the display asks for. An untrusted one is made for the purpose and confines its clients by the
 * SECURITY extension until `timeoutMs` have passed without one. Throws `unavailable` where xauth gives none.
 */
export async function displayCookie(
  display: X11Display,
  trust: { readonly trusted: true } | { readonly trusted: false; readonly timeoutMs: number },
): Promise<Buffer> {
  // xauth knows displays of this machine by their socket.
  const name = display.name.replace(/^localhost(?=:)/, "unix").replace(/^(?=:)/, "unix");
  if (trust.trusted) return readCookie(["list", name]);
  const folder = mkdtempSync(join(tmpdir(), "tsh-xauth-"));
  const file = ["-f", join(folder, "xauthority")];
  try {
    const seconds = String(Math.ceil(trust.timeoutMs / 1000));
    await xauth([...file, "generate", display.name, X11_PROTOCOL, "untrusted", "timeout", seconds]);
    return await readCookie([...file, "list", name]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readCookie(args: readonly string[]): Promise<Buffer> {
  const output = await xauth(args);
  const hex = new RegExp(`\\s${X11_PROTOCOL}\\s+((?:[0-9a-fA-F]{2})+)\\s*$`, "m").exec(output)?.[1];
  if (hex === undefined) throw unavailable("xauth knows no cookie for the display: see xauth list");
  return Buffer.from(hex, "hex");
}

async function xauth(args: readonly string[]): Promise<string> {
  try {
    return (await run("xauth", args, { timeout: XAUTH_TIMEOUT_MS })).stdout;
  } catch (cause) {
    const [firstLine] = errorMessage(cause)
      .replace(/^Command failed: .*\n/, "")
      .split("\n");
    throw unavailable(`xauth failed: ${firstLine}`, { cause });
  }
}
