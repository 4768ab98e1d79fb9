import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { AuthApi } from "../../../core/auth/client/api.js";
import { keys } from "../../../core/resources/keys.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

const NODE = "22222222-2222-4222-8222-222222222222";
const OTHER = "33333333-3333-4333-8333-333333333333";
const FULL = {
  code: "limit_exceeded",
  message: 'too many concurrent ssh connections for user "alice" (max=2)',
};

describe("the places of a user's connections", () => {
  let auth: AuthFixture;
  let node: AuthApi;

  beforeEach(async () => {
    auth = await startAuth();
    node = auth.as("Node", NODE);
  });
  afterEach(() => auth.close());

  const hold = (api: AuthApi, id: string = randomUUID(), max = 2) =>
    api.holdConnectionPlace({ user: "alice", id, max });

  it("are as many as the limit says, over all hosts", async () => {
    const id = randomUUID();
    assert.deepEqual(await hold(node, id), { lease_ms: 120_000 });
    await hold(auth.as("Proxy", OTHER));
    await assert.rejects(hold(auth.as("Node", OTHER)), FULL);
    await auth.as("Node", OTHER).holdConnectionPlace({ user: "bob", id: randomUUID(), max: 1 });
    await node.releaseConnectionPlace("alice", id);
    await hold(auth.as("Node", OTHER));
  });

  it("are renewed by asking again, also where there is no room for another", async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    await hold(node, a);
    await hold(node, b);
    auth.clock.advance(100_000);
    await hold(node, a);
    auth.clock.advance(100_000);
    await hold(node, randomUUID());
    await assert.rejects(hold(node, b), FULL);
    await hold(node, a);
  });

  it("free themselves when they are not renewed", async () => {
    await hold(node);
    await hold(node);
    auth.clock.advance(119_999);
    await assert.rejects(hold(node), FULL);
    auth.clock.advance(1);
    await hold(node);
  });

  it("are given to exactly as many of those who ask at once as there is room for", async () => {
    const all = await Promise.allSettled(Array.from({ length: 40 }, () => hold(node, undefined, 7)));
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, 7);
  });

  it("are shared by several auth servers over one store", async () => {
    const second = await startAuth({}, { storage: auth.storage, clock: auth.clock });
    const both = [node, second.as("Node", OTHER)];
    const all = await Promise.allSettled(both.flatMap((api) => [1, 2, 3, 4].map(() => hold(api))));
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, 2);
    await second.close();
  });

  it("leave nothing in the store once all are given back", async () => {
    const id = randomUUID();
    await hold(node, id);
    await node.releaseConnectionPlace("alice", id);
    await node.releaseConnectionPlace("alice", id);
    await assert.rejects(auth.storage.get(keys.connectionPlaces("alice")), { code: "not_found" });
  });

  it("cannot be given back by another host", async () => {
    const id = randomUUID();
    await hold(node, id, 1);
    await auth.as("Node", OTHER).releaseConnectionPlace("alice", id);
    await assert.rejects(hold(auth.as("Node", OTHER), id, 1), { code: "limit_exceeded" });
  });

  it("are for hosts alone, and for numbers and ids that make sense", async () => {
    for (const api of [auth.asUser("alice"), auth.asNobody(), auth.as("Auth")]) {
      await assert.rejects(hold(api), { code: "access_denied" });
      await assert.rejects(api.releaseConnectionPlace("alice", randomUUID()), { code: "access_denied" });
    }
    for (const max of [0, -1, 1.5, NaN, "2" as unknown as number]) {
      await assert.rejects(hold(node, randomUUID(), max), { code: "bad_parameter" });
    }
    await assert.rejects(hold(node, "x"), { code: "bad_parameter" });
    await assert.rejects(node.holdConnectionPlace({ user: "../alice", id: randomUUID(), max: 1 }), {
      code: "bad_parameter",
    });
  });

  it("live as long as the settings say", async () => {
    const short = await startAuth({ sessionControlTimeoutMs: 10_000 });
    assert.deepEqual(await hold(short.as("Node", NODE)), { lease_ms: 10_000 });
    await short.close();
  });
});
