/**
 * `npm start`: an all-in-one cluster on this machine, for trying things out. It builds what is missing, keeps everything
 * in .teleport/, listens on 127.0.0.1 only, needs no root, and says what to type next.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { isBuilt } from "./build-stamp.mjs";
import { mustRun, root } from "./run.mjs";

const READY = "All services are ready.";
const home = path.join(root, ".teleport");
const config = path.join(home, "teleport.yaml");

if (!isBuilt()) mustRun(process.execPath, ["scripts/build.mjs"]);
if (!existsSync(config)) {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(config, configuration(), { mode: 0o600 });
}

const launcher = path.join(root, "node_modules", ".bin", "teleport");
const child = spawn(launcher, ["start", "-c", config], { stdio: ["ignore", "pipe", "inherit"] });
for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"]) process.on(signal, () => child.kill(signal));
// The terminal is gone: the daemon would outlive it.
process.on("SIGHUP", () => child.kill("SIGTERM"));
child.on("error", (error) => {
  console.error(`cannot start teleport: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));

let shown = "";
let welcomed = false;
child.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  shown += chunk;
  if (!welcomed && shown.includes(READY)) {
    welcomed = true;
    console.log(welcome());
  }
});

function configuration() {
  return `# The cluster that \`npm start\` runs. Change it as you like; docs/configuration.md explains every key.
teleport:
  nodename: ${JSON.stringify(os.hostname())}
  data_dir: ${JSON.stringify(path.join(home, "data"))}
auth_service:
  enabled: yes
  listen_addr: 127.0.0.1:3025
  cluster_name: example
ssh_service:
  enabled: yes
  listen_addr: 127.0.0.1:3022
  labels: {env: demo}
proxy_service:
  enabled: yes
  listen_addr: 127.0.0.1:3023
  web_listen_addr: 127.0.0.1:3080
  public_addr: localhost:3080
`;
}

function welcome() {
  const bin = path.join("node_modules", ".bin", path.sep);
  const file = path.relative(process.cwd(), config) || config;
  const login = os.userInfo().username;
  return `
Teleport is ready. In another terminal, in this folder:

  1. Add a user, who may log in to the node as ${login}, and open the link that is printed:
       ${bin}tctl -c ${file} users add alice ${login}

  2. Log in (the web certificate is self-signed here, hence --insecure):
       ${bin}tsh login --proxy=localhost --user=alice --insecure

  3. Connect, leave the shell again, and play what was recorded (its id is in the audit log):
       ${bin}tsh ssh ${login}@${os.hostname()}
       tail -n 3 ${path.join(path.relative(process.cwd(), home), "data", "log", "events.log")}
       ${bin}tsh play SESSION_ID

Everything is kept in ${path.relative(process.cwd(), home) || home}. Ctrl-C ends it.
`;
}
