import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { keptCodec, withoutKeptSecrets } from "../../../core/resources/kept-codec.js";
import { createKeptStore } from "../../../core/resources/kept-resources.js";
import { KEPT_KINDS, type KeptResource } from "../../../core/resources/kept.js";
import { keys } from "../../../core/resources/keys.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { fixture } from "../../kit/paths.js";

/** Rows of stock 4.2.12 stores: one of each kind at least. */
const ROWS = readFileSync(fixture("resources", "kept-4.2.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { key: string; text: string });

describe("resources that are only kept", () => {
  it("are found where 4.2 has them, and written there byte for byte", async () => {
    const old = createMemoryStorage();
    for (const { key, text } of ROWS) await old.put({ key, value: Buffer.from(text) });
    for (const key of ["/web/connectors/github/connectors/a/b", "/access_requests/x/other"]) {
      await old.put({ key, value: Buffer.from("something else") });
    }
    const fresh = createMemoryStorage();
    let count = 0;
    for (const kind of KEPT_KINDS) {
      const found = await createKeptStore(old).list(kind);
      assert.ok(found.length > 0, kind);
      count += found.length;
      for (const resource of found) {
        const expires = resource.metadata.expires === undefined ? {} : { expires: "2099-01-01T00:00:00Z" };
        await createKeptStore(fresh).put({ ...resource, metadata: { ...resource.metadata, ...expires } });
        const key = keys.kept(kind, resource.metadata.name);
        assert.equal(keptCodec(kind).encode(resource).toString(), ROWS.find((row) => row.key === key)?.text);
        await fresh.get(key);
      }
    }
    assert.equal(count, ROWS.length);
  });

  it("let unknown fields pass, but no resource of another kind, version or without content", () => {
    const row = ROWS.find(({ key }) => key.includes("/oidc/"))!;
    const connector = JSON.parse(row.text) as KeptResource;
    const codec = keptCodec("oidc");
    const extended = { ...connector, more: 1, metadata: { ...connector.metadata, revision: "r" } };
    assert.deepEqual(codec.check(extended), extended);
    for (const wrong of [{ kind: "saml" }, { version: "v9" }, { spec: undefined }, { metadata: {} }]) {
      assert.throws(() => codec.check({ ...connector, ...wrong }), { code: "bad_parameter" });
    }
  });

  it("are shown without the secrets of other systems", () => {
    const shown = ROWS.map(({ key, text }) => {
      const kind = KEPT_KINDS.find((candidate) => key.startsWith(keys.keptOf(candidate)))!;
      return JSON.stringify(withoutKeptSecrets(keptCodec(kind).decode(key, Buffer.from(text))));
    }).join("\n");
    assert.doesNotMatch(shown, /csecret|oidcsecret|PRIV/);
    assert.match(shown, /"signing_key_pair":\{"cert":"CERT"\}/);
  });
});
