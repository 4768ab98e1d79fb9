import assert from "node:assert/strict";
import type { AccessChange } from "../../../core/access/access-change.js";
import { authorizeConnection } from "../../../core/access/connection-access.js";
import { explainConnection, type Obstacle } from "../../../core/access/explain.js";
import { errorMessage } from "../../../core/errors/error.js";
import { randomCase, type RandomCase, randomNumbers, requestOf } from "./random-connections.js";
import { role } from "./sample-roles.js";

const CASES = 100_000;
/** Every so many refused cases, what would have to change is tried out too. */
const MEND_EVERY = 5;

/** Why enforcement refuses; undefined where it does not. */
function refusal(random: RandomCase): string | undefined {
  try {
    authorizeConnection(requestOf(random));
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Does what an explanation says has to change. */
function apply(random: RandomCase, change: AccessChange): void {
  const changed =
    "role" in change ? random.roles.find(({ metadata }) => metadata.name === change.role) : undefined;
  switch (change.change) {
    case "remove lock":
      random.locks = random.locks.filter(({ metadata }) => metadata.name !== change.lock);
      return;
    case "refresh locks":
      random.staleSince = undefined;
      return;
    case "undeny login":
      delete changed?.spec.deny.logins;
      return;
    case "undeny labels":
      delete changed?.spec.deny.node_labels;
      return;
    case "run node as root":
      random.onlyLogin = undefined;
      return;
    case "give a role":
      random.roles.push(role("given", { allow: { logins: [random.login] } }));
      random.claimedRoles?.push("given");
      random.owner?.spec.roles.push("given");
      return;
    case "grant": {
      const allow = changed?.spec.allow ?? assert.fail("a role that does not exist was named");
      for (const { lacks } of change.lacks) {
        if (lacks === "login") allow.logins = [...(allow.logins ?? []), change.login];
        else if (lacks === "namespace") delete allow.namespaces;
        else delete allow.node_labels;
      }
    }
  }
}

describe("explanations", () => {
  const { stackTraceLimit } = Error;
  // Most of these connections are refused; stacks would take most of the time.
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  it(`equal enforcement in ${CASES} random clusters, and what they say has to change is enough and needed`, function () {
    this.timeout(120_000);
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
    const random = randomNumbers(seed);
    const met = new Map<Obstacle["by"] | "allowed", number>();
    const count = (what: Obstacle["by"] | "allowed"): void => void met.set(what, (met.get(what) ?? 0) + 1);
    for (let index = 0; index < CASES; index++) {
      const one = randomCase(random);
      const explanation = explainConnection(requestOf(one));
      const where = (): string => `SEED=${seed}, case ${index}: ${JSON.stringify(one)}`;
      const decisive = explanation.allowed ? undefined : explanation.obstacles[0].reason;
      if (refusal(one) !== decisive) assert.equal(decisive, refusal(one), where());
      if (explanation.allowed) {
        count("allowed");
        const { access } = authorizeConnection(requestOf(one));
        const decision = access.checkServer(requestOf(one).server, one.login);
        if (!decision.allowed || decision.role !== explanation.role) assert.fail(`another role: ${where()}`);
        continue;
      }
      for (const { by } of explanation.obstacles) count(by);
      if (index % MEND_EVERY > 0 || explanation.obstacles.some(({ changes }) => changes.length === 0))
        continue;
      const kept = Math.floor(random() * explanation.obstacles.length);
      const mended = structuredClone(one);
      const almost = structuredClone(one);
      explanation.obstacles.forEach(({ changes }, at) => {
        const change = changes[Math.floor(random() * changes.length)] as AccessChange;
        apply(mended, change);
        if (at !== kept) apply(almost, change);
      });
      if (refusal(mended) !== undefined) assert.fail(`not enough: ${refusal(mended)}: ${where()}`);
      if (refusal(almost) === undefined) assert.fail(`not needed: obstacle ${kept}: ${where()}`);
    }
    for (const what of ["allowed", "identity", "lock", "stale locks", "deny", "grant", "host"] as const) {
      assert.ok((met.get(what) ?? 0) > CASES / 50, `${what} is met ${met.get(what)} times, SEED=${seed}`);
    }
  });
});
