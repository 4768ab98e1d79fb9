import assert from "node:assert/strict";
import { changeText } from "../../../core/access/access-change.js";
import type { ConnectionSource } from "../../../core/access/connection-access.js";
import { explainConnection } from "../../../core/access/explain.js";
import type { Lock } from "../../../core/resources/lock.js";
import { node, request, source, user } from "./sample-connections.js";
import { role } from "./sample-roles.js";

const dev = role("dev", {
  allow: { logins: ["{{internal.logins}}", "deploy"], node_labels: { env: ["dev", "test"] } },
});
const ops = role("ops", { allow: { logins: ["root"], node_labels: { tier: "{{external.tier}}" } } });
const alice = user("alice", ["dev", "ops"], { logins: ["alice"] });
const lock = (name: string, spec: Lock["spec"]): Lock => ({
  kind: "lock",
  version: "v2",
  metadata: { name },
  spec,
});

/** What is told about a login at a node: the reasons, each with what would have to change. */
function told(known: ConnectionSource, login: string, labels: Record<string, string> = {}): string[][] {
  const claims = { keyId: "alice", extensions: new Map(), validAfter: new Date("2026-06-01T11:00:00Z") };
  const { certificate: _, ...rest } = request({ certificate: null as never, login, source: known });
  const explanation = explainConnection({ ...rest, server: node(labels), certificate: claims });
  return explanation.allowed
    ? [["ALLOW", explanation.role]]
    : explanation.obstacles.map(({ reason, changes }) => [reason, ...changes.map(changeText)]);
}

describe("an explanation", () => {
  it("names the role that grants a connection", () => {
    const known = source({ users: [alice], roles: [dev, ops] });
    assert.deepEqual(told(known, "deploy", { env: "test" }), [["ALLOW", "dev"]]);
  });

  it("says of each role what it lacks, the nearest one first", () => {
    const known = source({ users: [alice], roles: [ops, dev] });
    assert.deepEqual(told(known, "root", { env: "dev" }), [
      [
        `access to server denied: no role allows the login "root" together with the server's labels`,
        'role dev: add "root" to allow.logins (alice, deploy)',
        "role ops: label tier is missing on the server for allow.node_labels tier: (no value: the user lacks the trait)",
      ],
    ]);
    assert.deepEqual(told(known, "mallory", { env: "prod" })[0]?.slice(1, 2), [
      'role dev: add "mallory" to allow.logins (alice, deploy), and label env=prod does not fit allow.node_labels env: dev, test',
    ]);
  });

  it("lists every lock and every deny condition, in the order of enforcement", () => {
    const strictly = role("strictly", {
      allow: { logins: ["root"] },
      deny: { logins: ["root"], node_labels: { env: "dev" } },
    });
    const known = source({
      users: [user("alice", ["strictly"])],
      roles: [strictly],
      locks: [
        lock("a", { target: { user: "alice" }, message: "stolen laptop" }),
        lock("b", { target: { user: "alice" }, expires: "2026-06-01T11:59:59Z" }),
        lock("c", { target: { node: "db1" }, expires: "2026-06-01T13:00:00Z" }),
      ],
    });
    assert.deepEqual(told(known, "root", { env: "dev" }), [
      ['lock targeting User:"alice" is in force: stolen laptop', "remove the lock: tctl rm lock/a"],
      [
        'lock targeting Node:"db1" is in force',
        "remove the lock: tctl rm lock/c; it ends at 2026-06-01T13:00:00Z",
      ],
      [
        "access to server denied: role strictly denies the server's labels",
        "role strictly: let deny.node_labels not fit the server",
      ],
      [
        'access to server denied: role strictly denies the login "root"',
        'role strictly: take "root" out of deny.logins',
      ],
    ]);
  });

  it("tells of a role that is missing, and of a user without roles", () => {
    assert.deepEqual(told(source({ users: [alice], roles: [dev] }), "alice"), [
      ["role 'ops' does not exist"],
    ]);
    const [[, change] = []] = told(source({ users: [user("alice", [])] }), "alice");
    assert.equal(change, "give the user a role");
  });

  it("proposes nothing where no role can grant the login", () => {
    const [[reason, ...changes] = []] = told(source({ users: [alice], roles: [dev, ops] }), "-l root");
    assert.match(reason ?? "", /^access to server denied/);
    assert.deepEqual(changes, []);
  });

  it("says what is wrong with labels that cannot be evaluated", () => {
    const broken = role("broken", { allow: { logins: ["root"], node_labels: { env: "^(a$" } } });
    const [[, change] = []] = told(source({ users: [user("alice", ["broken"])], roles: [broken] }), "root");
    assert.match(
      change ?? "",
      /^role broken: correct allow\.node_labels: the regular expression cannot be used/,
    );
  });
});
