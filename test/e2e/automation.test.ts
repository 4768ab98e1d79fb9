/** Programs that speak SSH themselves or drive it: Ansible, paramiko, asyncssh, rsync and git, on every way. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fixture } from "../kit/paths.js";
import { needProgram, run, succeed } from "./kit/programs.js";
import { LOGIN, startMatrix, type Matrix, type Target } from "./kit/ways.js";

/** Debian's own: its modules are not seen by another Python that may come first in the path. */
const PYTHON = "/usr/bin/python3";

/** asyncssh signs by SHA-1 with an RSA certificate where the server announces no better one, and OpenSSH announces none. */
const FOR_ASYNCSSH = ["PubkeyAcceptedAlgorithms +ssh-rsa-cert-v01@openssh.com"];

for (const mode of ["node", "proxy"] as const) {
  describe(`e2e: automation, recorded by the ${mode}`, function () {
    this.timeout(180_000);
    let matrix: Matrix;

    before(async function () {
      needProgram(this, "ssh", "sshd", "ssh-agent", "rsync", "git", "ansible", PYTHON);
      matrix = await startMatrix(mode, FOR_ASYNCSSH);
    });
    after(() => matrix?.remove());

    for (const targetIndex of [0, 1] as const) {
      describe(["to our node", "to stock sshd"][targetIndex]!, () => {
        let target: Target;
        let folder: string;
        let transport: string;
        const file = (name: string): string => path.join(folder, name);

        before(() => {
          target = matrix.targets[targetIndex];
          folder = path.join(matrix.daemon.folder, `automation-${targetIndex}`);
          mkdirSync(folder);
          transport = `ssh -F ${matrix.sshConfig} -p ${target.port}`;
        });

        it("serves rsync", async () => {
          const { env } = matrix;
          mkdirSync(file("tree"));
          for (let i = 0; i < 20; i++) writeFileSync(path.join(file("tree"), `f${i}`), "x".repeat(i * 1000));
          const args = ["-ai", "-e", transport, `${file("tree")}/`, `${target.host}:${file("there")}/`];
          assert.notEqual(await succeed("rsync", args, { env }), "");
          assert.equal(await succeed("rsync", args, { env }), "");
        });

        it("serves git", async () => {
          const quiet = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
          const env = { ...matrix.env, ...quiet, GIT_SSH_COMMAND: transport };
          const repository = file("repo.git");
          const git = ["-C", file("work"), "-c", "user.name=t", "-c", "user.email=t@example.test"];
          await succeed("git", ["init", "-q", "--bare", "-b", "main", repository], { env });
          await succeed("git", ["clone", "-q", `${target.host}:${repository}`, file("work")], { env });
          writeFileSync(path.join(file("work"), "f"), Buffer.alloc(500_000, "content"));
          await succeed("git", [...git, "add", "f"], { env });
          await succeed("git", [...git, "commit", "-q", "-m", "first"], { env });
          await succeed("git", [...git, "push", "-q", "origin", "HEAD:main"], { env });
          const log = await succeed("git", ["--git-dir", repository, "log", "--oneline", "main"], { env });
          assert.match(log, /first/);
        });

        for (const library of ["paramiko", "asyncssh"]) {
          it(`serves ${library}`, async function () {
            needModule(this, library);
            const key = path.join(path.dirname(matrix.sshConfig), "id");
            const args = [matrix.sshConfig, key, target.host, `${target.port}`, LOGIN, folder];
            const script = fixture("clients", `with_${library}.py`);
            assert.match(await succeed(PYTHON, [script, ...args], { env: matrix.env }), /done/);
          });
        }

        for (const pipelining of ["True", "False"]) {
          for (const transfer of ["sftp", "scp"]) {
            it(`serves Ansible with pipelining ${pipelining} and ${transfer}`, async () => {
              const inventory = file("inventory.ini");
              writeFileSync(file("ansible.cfg"), "");
              writeFileSync(
                inventory,
                `${target.host} ansible_port=${target.port} ansible_user=${LOGIN} ansible_python_interpreter=${PYTHON}\n`,
              );
              const { code, stdout, stderr } = await run(
                "ansible-playbook",
                ["-i", inventory, "-e", `folder=${folder}`, fixture("clients", "playbook.yaml")],
                {
                  env: {
                    ...matrix.env,
                    ANSIBLE_CONFIG: file("ansible.cfg"),
                    ANSIBLE_HOME: file("ansible"),
                    ANSIBLE_LOCAL_TEMP: file("ansible/local"),
                    ANSIBLE_REMOTE_TEMP: file("ansible/remote"),
                    ANSIBLE_SSH_ARGS: `-F ${matrix.sshConfig} -o ControlMaster=auto -o ControlPersist=5s`,
                    ANSIBLE_SSH_CONTROL_PATH_DIR: file("cp"),
                    ANSIBLE_SCP_IF_SSH: transfer === "scp" ? "True" : "False",
                    ANSIBLE_SSH_TRANSFER_METHOD: transfer,
                    ANSIBLE_SCP_EXTRA_ARGS: "-O",
                    ANSIBLE_SSH_PIPELINING: pipelining,
                    ANSIBLE_PIPELINING: pipelining,
                  },
                },
              );
              assert.equal(code, 0, stdout + stderr);
              assert.equal(readFileSync(file("fetched"), "utf8"), "line\n".repeat(1000));
            });
          }
        }
      });
    }
  });
}

/** Skips a test, with a printed reason, where a Python module is missing; fails under CI. */
function needModule(context: Mocha.Context, name: string): void {
  if (spawnSync(PYTHON, ["-W", "ignore", "-c", `import ${name}`]).status === 0) return;
  const reason = `${PYTHON} has no module ${name}`;
  if (process.env.CI) throw new Error(reason);
  console.log(`      skipped: ${reason}`);
  context.skip();
}
