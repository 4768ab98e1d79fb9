/** An X server without a screen, which only clients with its cookie enter. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { succeed } from "./programs.js";

/** A running X server. */
export interface XServer {
  /** Variables of programs that may enter it. */
  readonly env: { readonly DISPLAY: string; readonly XAUTHORITY: string };
  stop(): Promise<void>;
}

/** Starts Xvfb on any free display, with its authority file in `folder`. */
export async function startXServer(folder: string): Promise<XServer> {
  const authority = path.join(folder, "screen-authority");
  const cookie = randomBytes(16).toString("hex");
  // The server looks for its cookie, whatever display it is written down for.
  await succeed("xauth", ["-q", "-f", authority, "add", ":0", "MIT-MAGIC-COOKIE-1", cookie]);
  // Without a screen nobody stays: -noreset keeps the cookies when the last client has left, as on a desktop.
  const flags = ["-displayfd", "1", "-auth", authority, "-nolisten", "tcp", "-noreset"];
  const server: ChildProcess = spawn("Xvfb", flags, {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [number] = (await once(server.stdout!, "data")) as [Buffer];
  const display = `:${number.toString().trim()}`;
  await succeed("xauth", ["-q", "-f", authority, "add", display, "MIT-MAGIC-COOKIE-1", cookie]);
  return {
    env: { DISPLAY: display, XAUTHORITY: authority },
    async stop() {
      if (server.exitCode !== null) return;
      server.kill();
      await once(server, "close");
    },
  };
}
