import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { findLaunchTools, launchCommand, type Launch } from "../../../core/node/launcher.js";

describe("launcher", () => {
  const isRoot = process.getuid?.() === 0;
  const tools = findLaunchTools(isRoot);
  const account = {
    name: "games",
    uid: isRoot ? 5 : (process.getuid?.() ?? 0),
    gid: isRoot ? 60 : (process.getgid?.() ?? 0),
    home: "/tmp",
    shell: "/bin/sh",
  };
  const launch = (changes: Partial<Launch>): Launch => ({
    account,
    program: "/bin/sh",
    argv0: "sh",
    args: [],
    environment: new Map([["PATH", "/usr/bin:/bin"]]),
    ...changes,
  });
  const output = (changes: Partial<Launch>): string => {
    const { file, args, environment } = launchCommand(tools, launch(changes));
    return spawnSync(file, args, { env: environment, encoding: "utf8" }).stdout;
  };

  it("runs the program in the home directory, under the given name, with exactly the variables", () => {
    const script = "pwd; echo $0; umask; exec env";
    const environment = new Map([
      ["PATH", "/usr/bin:/bin"],
      ["ODD", "a 'b' \"c\" $d `e`\nf\\"],
    ]);
    const lines = output({ argv0: "-odd shell", args: ["-c", script], environment }).split("\n");
    assert.deepEqual(lines.slice(0, 3), ["/tmp", "-odd shell", "0022"]);
    const variables = lines.slice(3).join("\n");
    assert.match(variables, /^ODD=a 'b' "c" \$d `e`\nf\\$/m);
    assert.doesNotMatch(variables, /TELEPORT_ENV|OLDPWD|SHLVL=[^01]/);
  });

  it("becomes the user before any of the user's variables hold", function () {
    if (!isRoot) this.skip();
    const { environment, args } = launchCommand(
      tools,
      launch({ environment: new Map([["LD_PRELOAD", "/x.so"]]) }),
    );
    assert.deepEqual(Object.keys(environment), ["PATH", "TELEPORT_ENV_0"]);
    assert.equal(
      args.some((arg) => arg.includes("/x.so")),
      false,
    );
    assert.match(output({ args: ["-c", "id -u; id -g"] }), /^5\n60\n$/);
  });

  it("falls back to / where there is no home", () => {
    assert.equal(output({ account: { ...account, home: "/no/such/home" }, args: ["-c", "pwd"] }), "/\n");
  });

  it("passes no descriptor on, whatever its number", (done) => {
    const { file, args, environment } = launchCommand(
      tools,
      launch({ args: ["-c", "ls /proc/self/fd | wc -l"] }),
    );
    const stdio = ["ignore", "pipe", "inherit", ...Array<"ignore">(30).fill("ignore")] as const;
    const child = spawn(file, args, { env: environment, stdio: [...stdio] });
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.on("close", () => {
      // The three streams, and the directory that ls reads.
      assert.equal(text.trim(), "4");
      done();
    });
  });

  it("names what is missing", () => {
    assert.equal(findLaunchTools(false).setpriv, undefined);
    assert.match(findLaunchTools(true).setpriv ?? "", /setpriv$/);
  });
});
