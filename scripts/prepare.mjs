/**
 * Sets up what is missing before a build: npm packages, and with `--tests` the programs the end-to-end tests drive.
 * As root Debian packages are installed; otherwise the one apt line to run is printed.
 */
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { spawnSync } from "node:child_process";
import { hasProgram, mustRun, root, run } from "./run.mjs";

const MINIMUM_NODE = [20, 19];
/** What compiles better-sqlite3 where no prebuilt binary is found. */
const COMPILER = { "g++": "g++", "make": "make", "python3": "python3" };
/** Programs the tests drive, and the Debian packages that hold them. */
const TEST_PROGRAMS = {
  "ssh": "openssh-client",
  "sshd": "openssh-server",
  "sftp-server": "openssh-sftp-server",
  "rsync": "rsync",
  "git": "git",
  "chromium": "chromium",
  "ip": "iproute2",
  "setpriv": "util-linux",
  "expect": "expect",
  "openssl": "openssl",
  "ansible": "ansible-core",
  "Xvfb": "xvfb",
  "xauth": "xauth",
  "xdpyinfo": "x11-utils",
  "zsh": "zsh",
  "fish": "fish",
  "etcd": "etcd-server",
  "etcdctl": "etcd-client",
  // DynamoDB Local runs on it.
  "java": "openjdk-17-jre-headless",
};

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
  console.error(`Node ${MINIMUM_NODE.join(".")} or newer is needed, this is ${process.versions.node}.`);
  process.exit(1);
}

installPackages();
if (process.argv.includes("--tests")) installPrograms(TEST_PROGRAMS, "the end-to-end tests");

function installPackages() {
  const lock = path.join(root, "package-lock.json");
  const installed = path.join(root, "node_modules", ".package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs && sqliteLoads()) return;
  installPrograms(COMPILER, "compiling better-sqlite3");
  // -O1 halves the compile time of SQLite; its speed here is bound by the disk.
  mustRun("npm", ["ci", "--no-audit", "--no-fund"], { CFLAGS: "-O1", CXXFLAGS: "-O1" });
  if (!sqliteLoads()) {
    console.error(
      "better-sqlite3 was not built. Install g++, make and python3, remove node_modules and run this again.",
    );
    process.exit(1);
  }
}

function sqliteLoads() {
  const probe = `new (require("better-sqlite3"))(":memory:").close()`;
  return spawnSync(process.execPath, ["-e", probe], { cwd: root, stdio: "ignore" }).status === 0;
}

function installPrograms(programs, purpose) {
  const missing = Object.keys(programs).filter((name) => !hasProgram(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => programs[name]))];
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  console.log(`${missing.join(", ")} missing: ${purpose} needs them.`);
  if (process.getuid?.() !== 0 || !hasProgram("apt-get")) {
    console.log(`Install them with: sudo apt-get update && sudo apt-get ${install.join(" ")}`);
    return;
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  if (run("apt-get", ["update", "-qq"], env) !== 0 || run("apt-get", ["-qq", ...install], env) !== 0) {
    console.log(`apt-get could not install ${packages.join(" ")}; going on without.`);
  }
}
