import assert from "node:assert/strict";

const script = new URL("../../../scripts/test-jobs.mjs", import.meta.url).href;

interface Scripts {
  readonly testGroups: (files: readonly string[]) => Map<string, string[]>;
  readonly testJobs: (mochaArgs: readonly string[]) => { name: string; counts: boolean; args: string[] }[];
}

describe("the jobs of the test run", () => {
  let scripts: Scripts;
  before(async () => (scripts = (await import(script)) as Scripts));

  it("are the end-to-end files one by one, and the others by folder", () => {
    const files = [
      "core/auth/a.test.js",
      "core/auth/api/b.test.js",
      "core/c.test.js",
      "e2e/d.test.js",
      "e.test.js",
    ];
    assert.deepEqual(
      [...scripts.testGroups(files)],
      [
        ["core/auth", ["core/auth/a.test.js", "core/auth/api/b.test.js"]],
        ["core", ["core/c.test.js"]],
        ["e2e/d", ["e2e/d.test.js"]],
        ["e", ["e.test.js"]],
      ],
    );
  });

  it("hold each compiled file once, this one too, with the arguments that were given", () => {
    const jobs = scripts.testJobs(["--grep", "x"]).filter(({ counts }) => counts);
    const files = jobs.flatMap(({ args }) => args.filter((arg) => arg.endsWith(".test.js")));
    assert.equal(new Set(files).size, files.length);
    assert.ok(files.some((file) => file.endsWith("/test/scripts/test-jobs.test.js")));
    for (const { args } of jobs) assert.deepEqual(args.slice(-2), ["--grep", "x"]);
  });

  it("start with the longest", () => {
    const names = scripts.testJobs([]).map(({ name }) => name);
    assert.equal(names[0], "plugins/backend-dynamo");
    assert.equal(new Set(names).size, names.length);
  });
});
