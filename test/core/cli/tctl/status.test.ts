import assert from "node:assert/strict";
import { showStatus } from "../../../../core/cli/tctl/status.js";
import { caPin } from "../../../../core/pki/ca-pin.js";
import { generateRsaKeyPair } from "../../../../core/pki/keys.js";
import { createTlsAuthority } from "../../../../core/pki/x509.js";
import type { AuthorityType, CertAuthority, Rotation } from "../../../../core/resources/authority.js";
import { ZERO_TIME } from "../../../../core/resources/envelope.js";
import { desk } from "./tctl-fixture.js";

const rotation = (fields: Partial<Rotation>): Rotation => ({
  current_id: "",
  started: ZERO_TIME,
  last_rotated: ZERO_TIME,
  schedule: { update_clients: ZERO_TIME, update_servers: ZERO_TIME, standby: ZERO_TIME },
  ...fields,
});

describe("tctl status", () => {
  let certificate: string;
  before(async () => {
    certificate = createTlsAuthority("a.test", await generateRsaKeyPair(), new Date("2026-11-22T12:00:00Z"));
  });

  const authority = (type: AuthorityType, cluster: string, state?: Rotation): CertAuthority => ({
    kind: "cert_authority",
    version: "v2",
    metadata: { name: cluster },
    spec: {
      type,
      cluster_name: cluster,
      checking_keys: [],
      tls_key_pairs: [{ cert: Buffer.from(certificate).toString("base64") }],
      ...(state ? { rotation: state } : {}),
    },
  });

  const world = (authorities: CertAuthority[], debug = false) =>
    desk(
      {
        ping: async () => ({ clusterName: "a.test", serverVersion: "5.0.0" }),
        getCertAuthorities: async (type) => authorities.filter(({ spec }) => spec.type === type),
      },
      { debug },
    );

  it("shows the cluster, its authorities and the pin, and no other cluster", async () => {
    const state = world([
      authority("user", "a.test", rotation({ state: "standby", last_rotated: "2026-11-02T10:31:19.123Z" })),
      authority("host", "a.test"),
      authority("host", "leaf.test"),
    ]);
    await showStatus(state);
    const pin = caPin(certificate);
    const pad = (text: string): string => text.padEnd(pin.length);
    assert.equal(
      state.output(),
      `Cluster  ${pad("a.test")}\n` +
        `Version  ${pad("5.0.0")}\n` +
        `User CA  ${pad("rotated Nov  2 10:31:19 UTC")}\n` +
        `Host CA  ${pad("never updated")}\n` +
        `CA pin   ${pin}\n`,
    );
  });

  it("shows the phase of a rotation, and on request its schedule and other clusters", async () => {
    const under = rotation({
      state: "in_progress",
      phase: "update_clients",
      mode: "manual",
      started: "2026-11-22T10:30:59.61Z",
      grace_period: "30h0m0s",
      schedule: {
        update_clients: "2026-11-22T20:30:59Z",
        update_servers: "2026-11-23T06:30:59Z",
        standby: "2026-11-23T16:30:59Z",
      },
    });
    const text = "rotating clients (mode: manual, started: Nov 22 10:30:59 UTC, ending: Nov 23 16:30:59 UTC)";
    const brief = world([authority("user", "a.test", under)]);
    await showStatus(brief);
    assert.ok(brief.output().includes(`User CA  ${text}\n`), brief.output());

    const detailed = world([authority("user", "a.test", under), authority("host", "leaf.test")], true);
    await showStatus(detailed);
    assert.ok(
      detailed
        .output()
        .includes(`${text}, update_servers: Nov 23 06:30:59 UTC, complete: Nov 23 16:30:59 UTC`),
    );
    assert.match(detailed.output(), /\nRemote clusters\n\nRemote Host CA "leaf\.test" never updated\n$/);
  });
});
