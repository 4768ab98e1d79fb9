import assert from "node:assert/strict";
import { compileWhere, type RuleSubject } from "../../../core/access/where.js";

const subject: RuleSubject = {
  user: {
    metadata: { name: "alice" },
    spec: { roles: ["dev"], traits: { teams: ["red", "blue"], logins: null } },
  },
  resource: {
    kind: "cert_authority",
    metadata: { name: "db1", labels: { "team": "red", 'odd "key"': "x" } },
    spec: { type: "host", port: 3022, checking_keys: ["k"] },
  },
  session: { participants: ["alice", "bob"] },
};
const holds = (where: string, of: RuleSubject = subject): boolean => compileWhere(where)(of);

describe("where", () => {
  it("compares texts, fields and keys", () => {
    for (const where of [
      `equals(user.metadata.name, "alice")`,
      "equals(resource.metadata.name, `db1`)",
      `equals(resource.metadata.labels["team"], "red")`,
      `equals(resource.metadata.labels.team, "red")`,
      `equals(resource.metadata.labels["odd \\"key\\""], "x")`,
      `equals(resource.spec.port, "3022")`,
      `equals(system.catype(), "host")`,
      `contains(user.spec.traits["teams"], "blue")`,
      `contains(user.spec.traits["teams"], resource.metadata.labels["team"])`,
      `contains(session.participants, user.metadata.name)`,
    ]) {
      assert.equal(holds(where), true, where);
      assert.equal(holds(`!${where}`), false, where);
    }
    for (const where of [
      `equals("a", "A")`,
      `contains(user.spec.traits["teams"], "re")`,
      `contains(user.spec.traits["logins"], "root")`,
    ]) {
      assert.equal(holds(where), false, where);
    }
  });

  it("binds ! before && before ||, and parentheses before all", () => {
    const [yes, no] = [`equals("a","a")`, `equals("a","b")`];
    assert.equal(holds(`${yes} || ${no} && ${no}`), true);
    assert.equal(holds(`(${yes} || ${no}) && ${no}`), false);
    assert.equal(holds(`!${no} && ${yes}`), true);
    assert.equal(holds(`!(${no} || ${yes})`), false);
    assert.equal(holds(` \n${no}||\t${yes} `), true);
  });

  it("takes a key that is missing for an empty text or list, also where there is no map at all", () => {
    const bare = { ...subject, resource: { kind: "node", metadata: { name: "db1" }, spec: {} } };
    assert.equal(holds(`equals(resource.metadata.labels["nope"], "")`), true);
    assert.equal(holds(`equals(resource.metadata.labels["nope"], "")`, bare), true);
    assert.equal(holds(`contains(user.spec.traits["nope"], "x")`), false);
    assert.equal(holds(`equals(resource.metadata.labels["toString"], "")`), true);
  });

  it("cannot answer for what is not there", () => {
    const failures: [string, RuleSubject][] = [
      [`equals(resource.spec.nope, "")`, subject],
      [`equals(resource.spec.toString, "")`, subject],
      [`equals(user.metadata.name, "alice")`, {}],
      [`equals(resource.metadata.labels["x"], "")`, {}],
      [`contains(session.participants, "x")`, {}],
      [`contains(user.metadata.name, "x")`, subject],
      [`equals(user.spec.traits["teams"], "red")`, subject],
      [`equals(system.catype(), "host")`, { resource: { kind: "node", spec: {} } }],
    ];
    for (const [where, of] of failures) {
      assert.throws(() => holds(where, of), { code: "bad_parameter" }, where);
    }
  });

  it("refuses what it does not understand, and says where", () => {
    const refused: [string, RegExp][] = [
      ["", /at character 1: expected a name, found the end/],
      [`equals(user.metadata.name, "a"`, /at character 31: expected "\)", found the end/],
      [`equals("a", "b") and equals("a", "b")`, /at character 18: expected &&, \|\| or the end, found "and"/],
      [`equals('a', "b")`, /at character 8: "'" is not understood/],
      [`equals("a" == "b")`, /at character 12: "=" is not understood/],
      [`equals("\\x", "b")`, /at character 8: the escapes/],
      [`equals("a")`, /equals takes two arguments/],
      [`matches("a", "b")`, /there is no function matches: use equals or contains/],
      [`equals(node.metadata.name, "a")`, /node\.metadata\.name is not known/],
      [`equals(user, "a")`, /user is not known/],
      // It would hold for whatever is not there yet, and so for everything.
      [`!equals(resource["metadata"]["name"], "a")`, /resource\["metadata"\]\["name"\] is not known/],
      [`equals(equals("a", "a"), "b")`, /there is no value equals\(\)/],
      [`user.metadata.name`, /no condition: use equals or contains/],
      ["(".repeat(100_000), /at most 4096 characters/],
      ["!".repeat(4000), /nested more than 50 deep/],
      [`${"(".repeat(60)}equals("a", "a")${")".repeat(60)}`, /nested more than 50 deep/],
    ];
    for (const [where, message] of refused) {
      assert.throws(() => compileWhere(where), { code: "bad_parameter", message }, where);
    }
  });
});
