/** Completion scripts in the shells that they are for. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../../../kit/paths.js";
import { needProgram, ours, succeed } from "../../../e2e/kit/programs.js";

/** What each shell offers for a command line that ends where the cursor is. */
const ASK: Readonly<Record<string, (script: string, line: string) => [string, string[]]>> = {
  bash: (script, line) => [
    "bash",
    [
      "--noprofile",
      "--norc",
      "-c",
      `source "$1"
       # As readline splits a line: = is a word of its own.
       line=\${2//=/ = }; read -ra COMP_WORDS <<< "$line"; [[ $line == *" " ]] && COMP_WORDS+=("")
       COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
       _\${COMP_WORDS[0]}; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "ask",
      script,
      line,
    ],
  ],
  // The pseudo-terminal module of zsh types the line and a tab as a user does.
  zsh: (script, line) => [
    "zsh",
    [
      "-f",
      "-c",
      `zmodload zsh/zpty
       zpty z zsh -f -i
       zpty -w z "PS1=go-; autoload -Uz compinit && compinit -D -u; zstyle ':completion:*' list-colors ''; LISTMAX=0; setopt no_list_beep; source $1; zstyle ':completion:*:*' verbose no; print ready-\${:-now}"
       zpty -r -m z r '*ready-now*go-*'
       zpty -w -n z "$2"$'\\t\\t'; zpty -w -n z $'\\x15'; zpty -w z 'print over-\${:-now}'
       zpty -r -m z r '*over-now*'; print -r -- $r`,
      "ask",
      script,
      line,
    ],
  ],
  fish: (script, line) => [
    "fish",
    ["--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, line],
  ],
};

for (const [shell, ask] of Object.entries(ASK)) {
  describe(`completion in ${shell}`, function () {
    this.timeout(30_000);
    const scripts: Record<string, string> = {};
    let remove: () => Promise<void>;

    before(async function () {
      needProgram(this, shell);
      const made = await temporaryFolder();
      remove = made.remove;
      for (const program of ["tctl", "tsh", "teleport"] as const) {
        const file = path.join(made.folder, program);
        writeFileSync(file, await succeed(ours(program), ["completion", shell]));
        scripts[program] = file;
      }
    });
    after(() => remove?.());

    const offered = (line: string): string => {
      const [command, args] = ask(scripts[line.split(" ")[0]!]!, line);
      const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8", timeout: 20_000 });
      assert.equal(status, 0, stderr);
      return stdout;
    };

    it("offers commands, and those below a command", () => {
      const top = offered("tctl ");
      for (const command of ["users", "version"]) assert.ok(top.includes(command), top);
      const below = offered("tctl users ");
      assert.ok(below.includes("add"), below);
      assert.ok(!below.includes("version"), below);
    });

    it("offers what begins with what is typed", () => {
      const names = offered("tctl st");
      assert.ok(names.includes("status"), names);
      assert.ok(!names.includes("users"), names);
    });

    it("offers the flags of the command, wherever its own words stand", () => {
      assert.match(offered("tctl users add --t"), /--ttl/);
      assert.match(offered("tctl users add joe --t"), /--ttl/);
      assert.match(offered("teleport start --ro"), /--roles/);
    });

    it("offers kinds of resources", () => {
      assert.match(offered("tctl get cert"), /cert_authority/);
    });

    it("offers the shells themselves", () => {
      assert.match(offered("tsh completion "), /bash[^]*fish/);
    });
  });
}
