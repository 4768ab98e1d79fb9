import assert from "node:assert/strict";
import { loadConfig } from "../../../core/config/load.js";
import {
  allNames,
  SSH_CIPHERS,
  SSH_KEY_EXCHANGES,
  SSH_MACS,
  type AlgorithmNames,
} from "../../../core/grammar/ssh-algorithms.js";
import { resolveAlgorithms } from "../../../core/ssh/algorithms.js";
import type { SshAlgorithms } from "../../../core/ssh/contract.js";
import { Loopback } from "./loopback.js";

/** The key of teleport.yaml, its names, and how the SSH layer is told one of them. */
const KINDS: readonly [string, AlgorithmNames, (name: string) => SshAlgorithms][] = [
  ["kex_algos", SSH_KEY_EXCHANGES, (name) => ({ kex: [name] })],
  ["ciphers", SSH_CIPHERS, (name) => ({ ciphers: [name] })],
  // A cipher that authenticates by itself would leave the MAC unused.
  ["mac_algos", SSH_MACS, (name) => ({ macs: [name], ciphers: ["aes128-ctr"] })],
];

describe("SSH algorithms", function () {
  this.timeout(60_000);
  let loopback: Loopback;
  before(async () => {
    loopback = await Loopback.create({
      algorithms: {
        kex: allNames(SSH_KEY_EXCHANGES),
        ciphers: allNames(SSH_CIPHERS),
        macs: allNames(SSH_MACS),
      },
    });
  });
  after(() => loopback.server.close());

  for (const [key, names, only] of KINDS) {
    for (const name of allNames(names)) {
      it(`${key}: ${name} is accepted in teleport.yaml, and connects`, async () => {
        loadConfig(`teleport:\n  ${key}: ["${name}"]\n`, "teleport.yaml");
        const connection = await loopback.connect({ algorithms: only(name) });
        connection.disconnect("done");
      });
    }
    it(`${key}: refuses what it does not know, in teleport.yaml as in the SSH layer`, () => {
      assert.throws(() => loadConfig(`teleport:\n  ${key}: [rot13]\n`, "teleport.yaml"), { code: "config" });
      assert.throws(() => resolveAlgorithms(only("rot13")), {
        code: "bad_parameter",
        message: new RegExp(`^${key}: "rot13" is not supported; choose from `),
      });
    });
  }
});
