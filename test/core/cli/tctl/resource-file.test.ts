import assert from "node:assert/strict";
import { parseResources } from "../../../../core/cli/tctl/resource-file.js";

const role = `kind: role
version: v3
metadata:
  name: dev
spec:
  options:
    max_session_ttl: 8h
  allow:
    logins: [dev]
`;

describe("the resource file of tctl create", () => {
  const problems = (text: string): string[] => {
    try {
      parseResources(text, "f.yaml");
    } catch (error) {
      return (error as Error).message.split("\n");
    }
    return [];
  };

  it("reads several documents, and JSON", () => {
    const json = JSON.stringify({ kind: "lock", metadata: { name: "l" }, spec: { target: { user: "joe" } } });
    const read = parseResources(`---\n${role}---\n# nothing\n---\n${json}\n`, "f.yaml");
    assert.deepEqual(
      read.map(({ kind, resource }) => [kind, resource.metadata.name, resource.version]),
      [
        ["role", "dev", "v3"],
        ["lock", "l", "v2"],
      ],
    );
  });

  it("says that there is nothing to create", () => {
    for (const text of ["", "---\n", "# only a comment\n"]) {
      assert.throws(() => parseResources(text, "f.yaml"), { message: "no resources found, empty input?" });
    }
  });

  for (const [what, text, expected] of [
    [
      "a mistyped field",
      role.replace("logins:", "login:"),
      ["f.yaml:9:5: there is no field spec.allow.login, did you mean 'logins'?"],
    ],
    [
      "a value of the wrong type",
      role.replace("[dev]", "{}"),
      ["f.yaml:9:13: 'logins' must be a list, not a map"],
    ],
    ["a bad duration", role.replace("8h", "8 hours"), /^f\.yaml:7:22: /],
    [
      "a wildcard login",
      role.replace("[dev]", '["*"]'),
      ["f.yaml:9:13: wildcard matcher is not allowed in logins"],
    ],
    ["a document without a kind", "metadata: {name: x}\n", ["f.yaml:1:1: a resource must have a kind"]],
    ["an unknown kind", "kind: robot\n", /^f\.yaml:1:7: unsupported resource: "robot"/],
    [
      "a kind that is not created by hand",
      "kind: proxy\n",
      ['f.yaml:1:7: creating resources of type "proxy" is not supported'],
    ],
    ["no YAML at all", "kind: [role\n", /^f\.yaml:\d+:\d+: /],
    [
      "a duplicate key",
      `${role}version: v3\n`,
      ["f.yaml:10:1: duplicate key 'version', first given in line 2"],
    ],
  ] as const) {
    it(`places ${what}`, () => {
      const found = problems(text);
      if (expected instanceof RegExp) assert.match(found.join("\n"), expected);
      else assert.deepEqual(found, expected);
    });
  }

  it("tells what is wrong in all documents at once, and quotes none of their values", () => {
    const secret = `kind: user\nmetadata: {name: u}\nspec: {local_auth: {password_hash: [hunter2]}, roles: {hunter2: 1}}\n`;
    const found = problems(`${secret}---\nkind: robot\n`);
    assert.ok(found.length >= 3, found.join("\n"));
    assert.doesNotMatch(found.join("\n"), /hunter2/);
  });
});
