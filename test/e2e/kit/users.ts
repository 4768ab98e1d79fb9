/** Users of a test cluster, made as an administrator and the user would make them. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { totpCode } from "../../core/auth/auth-fixture.js";
import { SET_INNER_SHELL } from "../../kit/inner-shell.js";
import type { Daemon } from "./daemon.js";

/** A password that the product accepts. */
export const PASSWORD = "correct horse battery";

/** A user with what logging in takes. */
export interface User {
  readonly name: string;
  readonly password: string;
  /** Base32 TOTP secret; empty without a second factor. */
  readonly secret: string;
}

/** Reply of the web API. */
export interface WebReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** Calls the proxy's web API, whose certificate is self-signed here. */
export function callWeb(
  daemon: Pick<Daemon, "ports">,
  method: string,
  route: string,
  body?: unknown,
): Promise<WebReply> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: "127.0.0.1",
        port: daemon.ports.web,
        path: route,
        method,
        rejectUnauthorized: false,
        headers: { "Content-Type": "application/json" },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          const json = /json/.test(response.headers["content-type"] ?? "");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
            text,
          });
        });
      },
    );
    request.once("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Invites a user by tctl and returns the token of the link. */
export async function invite(daemon: Pick<Daemon, "tctl">, name: string, logins: string): Promise<string> {
  const output = await daemon.tctl("users", "add", name, logins);
  const token = /\/web\/newuser\/([0-9a-f]{32})/.exec(output)?.[1];
  if (!token) throw new Error(`no invite link in: ${output}`);
  return token;
}

/** Invites a user and completes the signup through the web API. */
export async function addUser(
  daemon: Pick<Daemon, "tctl" | "ports">,
  name: string,
  logins: string,
): Promise<User> {
  const token = await invite(daemon, name, logins);
  const shown = await callWeb(daemon, "GET", `/v1/webapi/users/invites/${token}`);
  const secret = shown.body.otp_key as string;
  const reply = await callWeb(daemon, "POST", "/v1/webapi/users", {
    invite_token: token,
    pass: PASSWORD,
    second_factor_token: secret === "" ? "" : totp(secret),
  });
  if (reply.status !== 200) throw new Error(`signup of ${name} failed: ${reply.status} ${reply.text}`);
  return { name, password: PASSWORD, secret };
}

/** The code that an authenticator shows `offsetSeconds` from now. */
export function totp(secret: string, offsetSeconds = 0): string {
  return totpCode(secret, new Date(Date.now() + offsetSeconds * 1000));
}

/** A folder with what an unconfigured OpenSSH client needs: key, certificate, CA line, and a configuration of those. */
export interface SshClient {
  /** Arguments that make ssh, scp and sftp use the folder instead of ~/.ssh. */
  readonly args: readonly string[];
  readonly folder: string;
  /** The jump host for `-J`. */
  readonly jump: string;
}

/** Signs a certificate for a user with `tctl auth sign` and writes the client's files. */
export async function sshClient(daemon: Daemon, user: string, login: string, ttl = "1h"): Promise<SshClient> {
  const folder = path.join(daemon.folder, `ssh-${user}-${ttl}`);
  execFileSync("mkdir", ["-p", folder]);
  const key = path.join(folder, "id");
  await daemon.tctl("auth", "sign", `--user=${user}`, "--format=openssh", `--ttl=${ttl}`, `--out=${key}`);
  writeFileSync(path.join(folder, "known_hosts"), await daemon.tctl("auth", "export", "--type=host"));
  const config = path.join(folder, "config");
  writeFileSync(
    config,
    [
      "Host *",
      `  UserKnownHostsFile ${folder}/known_hosts`,
      `  IdentityFile ${key}`,
      "  IdentitiesOnly yes",
      `  ${SET_INNER_SHELL}`,
      "",
    ].join("\n"),
  );
  return {
    folder,
    args: ["-F", config, "-o", "BatchMode=yes"],
    jump: `${login}@127.0.0.1:${daemon.ports.ssh}`,
  };
}
