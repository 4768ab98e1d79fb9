/** A PAM service of this host, for the length of a test. Needs root and Linux-PAM with its usual modules. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Skips the suite, saying why, where PAM cannot be used; in CI that is a failure. */
export function needPam(suite: Mocha.Context): void {
  const reason =
    process.getuid?.() !== 0
      ? "PAM takes root"
      : existsSync("/etc/pam.d")
        ? undefined
        : "this host has no Linux-PAM";
  if (reason === undefined) return;
  if (process.env["CI"] === "true") throw new Error(reason);
  console.log(`      skipped: ${reason}`);
  suite.skip();
}

/** A service with a folder for what its modules read and write. */
export class PamService {
  readonly name = `teleport-test-${randomBytes(6).toString("hex")}`;
  readonly folder = mkdtempSync(join(tmpdir(), "pam-test-"));

  /** Makes the service of the lines of its file; `{}` stands for the folder. */
  constructor(...lines: string[]) {
    this.configure(...lines);
  }

  /** Replaces the lines. */
  configure(...lines: string[]): void {
    writeFileSync(this.#path, lines.map((line) => `${line.replaceAll("{}", this.folder)}\n`).join(""));
  }

  /** Writes a file into the folder and returns its path. */
  file(name: string, text: string, mode = 0o644): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  /** A script for pam_exec that adds a line for each phase to the file `phases`. */
  recorder(): string {
    const line =
      "$PAM_TYPE $PAM_USER $PAM_RUSER $PAM_RHOST $PAM_TTY $TELEPORT_USERNAME $TELEPORT_LOGIN $TELEPORT_ROLES";
    return this.file("record", `#!/bin/sh\necho "${line}" >> ${this.folder}/phases\n`, 0o755);
  }

  /** The lines that {@link recorder} has written. */
  phases(): string[] {
    const path = join(this.folder, "phases");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  /** Resolves when a phase of this name has run. */
  phase(name: string): Promise<void> {
    return new Promise((resolve) => {
      const watcher = watch(this.folder, look);
      function look(): void {
        if (!seen()) return;
        watcher.close();
        resolve();
      }
      const seen = (): boolean => this.phases().some((line) => line.startsWith(`${name} `));
      look();
    });
  }

  remove(): void {
    rmSync(this.#path, { force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #path(): string {
    return join("/etc/pam.d", this.name);
  }
}
