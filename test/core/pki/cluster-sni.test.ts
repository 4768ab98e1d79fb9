import assert from "node:assert/strict";
import fc from "fast-check";
import { API_DOMAIN, decodeClusterName, encodeClusterName } from "../../../core/pki/cluster-sni.js";

describe("cluster names as TLS server names", () => {
  it("encodes as 4.2 does", () => {
    assert.equal(encodeClusterName("wire.test"), "776972652e74657374.teleport.cluster.local");
  });

  it("decodes every encoded name, in any letter case", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(fc.property(name, (text) => decodeClusterName(encodeClusterName(text).toUpperCase()) === text));
  });

  it("finds no cluster in other names", () => {
    for (const name of [
      "",
      API_DOMAIN,
      `.${API_DOMAIN}`,
      `7.${API_DOMAIN}`,
      `xy.${API_DOMAIN}`,
      `ff.${API_DOMAIN}`,
      "6161.example.com",
      `61.61.${API_DOMAIN}`,
    ]) {
      assert.equal(decodeClusterName(name), undefined, name);
    }
  });
});
