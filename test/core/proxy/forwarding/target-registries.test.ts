import assert from "node:assert/strict";
import { TargetRegistries } from "../../../../core/proxy/forwarding/target-registries.js";
import type { ForwardingTarget } from "../../../../core/proxy/forwarding/target.js";
import type { Session } from "../../../../core/session/session.js";

type Target = Pick<ForwardingTarget, "address" | "facts">;

const ADDRESS = { host: "db.example.com", port: 22 };
const listed = (address = ADDRESS, namespace = "default"): Target => ({
  address,
  facts: { namespace, labels: {}, id: "", hostname: address.host },
});
const node = (id: string, address = ADDRESS): Target => ({
  address,
  facts: { namespace: "default", labels: {}, id, hostname: "node1" },
});

/** A session that ends when it is told to. */
function session(id: string): { session: Session; end: () => void } {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (end = resolve));
  const client = { resize: () => undefined, signal: () => false };
  return { session: { id, client, ending: false, interactive: true, done }, end: () => end() };
}

/** Lets all promises settle that wait for nothing else. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("proxy: sessions by target", () => {
  it("are shared by the connections to one target, however its name is written", () => {
    const registries = new TargetRegistries();
    const { sessions } = registries.of(listed());
    assert.equal(registries.of(listed({ host: "DB.example.com", port: 22 })).sessions, sessions);
    assert.equal(
      registries.of(node("a")).sessions,
      registries.of(node("a", { host: "db", port: 1 })).sessions,
    );
  });

  it("are never shared between targets that roles may tell apart", () => {
    const registries = new TargetRegistries();
    const targets = [
      ...[listed(), listed({ ...ADDRESS, port: 23 }), listed({ ...ADDRESS, host: "db2" })],
      ...[listed(ADDRESS, "other"), node("a"), node("b")],
    ];
    assert.equal(new Set(targets.map((target) => registries.of(target).sessions)).size, targets.length);
  });

  it("are forgotten with the last connection and the last session", async () => {
    const registries = new TargetRegistries();
    const [first, second] = [registries.of(listed()), registries.of(listed())];
    const { session: running, end } = session("s");
    await first.sessions.open("s", () => Promise.resolve(running));
    first.release();
    second.release();
    await settle();
    assert.equal(registries.size, 1);
    assert.equal(await registries.of(listed()).sessions.running("s"), running);
    end();
    await settle();
    assert.equal(registries.size, 1, "a client has come meanwhile");
  });

  it("are forgotten at once where nothing runs, and then begin anew", async () => {
    const registries = new TargetRegistries();
    const { sessions, release } = registries.of(listed());
    release();
    await settle();
    assert.equal(registries.size, 0);
    assert.notEqual(registries.of(listed()).sessions, sessions);
  });

  it("have nothing wait for clients once the proxy closes", async () => {
    const registries = new TargetRegistries();
    const { sessions } = registries.of(listed());
    const { session: running, end } = session("s");
    await sessions.open("s", () => Promise.resolve(running));
    const idle = registries.idle();
    assert.equal(sessions.closing.aborted, true);
    end();
    await idle;
  });
});
