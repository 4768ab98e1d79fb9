import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ManualClock } from "../ssh/manual-clock.js";
import type { Event } from "../node/fake-auth.js";
import { lock, LOGIN, NodeFixture } from "../node/node-fixture.js";
import { needPrograms } from "../node/stock-programs.js";
import { ShellClient } from "./shell-client.js";

describe("terminal session", function () {
  this.timeout(30_000);
  let node: NodeFixture;
  let clock: ManualClock;
  let session: string;
  before(function () {
    needPrograms(this, "ssh-keygen");
  });
  beforeEach(async () => {
    clock = new ManualClock();
    node = await new NodeFixture({ clock }).start();
    node.writeIdentity("bob", { user: "bob" });
    session = randomUUID();
  });
  afterEach(() => node.close());

  const audited = (name: string): Promise<Event> => node.auth.waitFor(({ event }) => event === name);
  const count = (name: string): number => node.auth.events.filter(({ event }) => event === name).length;
  const start = async (size: readonly [number, number] = [80, 24]): Promise<ShellClient> => {
    const client = await ShellClient.open(node, { session, size, command: "exec sh" });
    client.type("echo rea''dy\n");
    await client.shows(/ready/);
    return client;
  };
  const join = (options: object = {}): Promise<ShellClient> =>
    ShellClient.open(node, { session, size: [80, 24], identity: "bob", ...options });

  it("is typed into and seen by all peers, and ends for all at once", async () => {
    const alice = await start();
    const bob = await join();
    await bob.shows(/ready/);
    bob.type("echo from-$((40+2))\n");
    await Promise.all([alice.shows(/from-42/), bob.shows(/from-42/)]);
    alice.type("exit 3\n");
    await Promise.all([alice.channel.whenClosed, bob.channel.whenClosed]);
    assert.deepEqual([alice.exitStatus, bob.exitStatus], [3, 3]);
    const end = await audited("session.end");
    assert.deepEqual(end["participants"], ["alice", "bob"]);
    const joined = await audited("session.join");
    assert.equal(joined["code"], "T2001I");
    assert.equal(joined["user"], "bob");
    assert.equal(joined["sid"], session);
    assert.equal(count("session.leave"), 2);
    assert.equal(count("session.data"), 2);
    for (const client of [alice, bob]) {
      assert.ok(client.news.some((news) => news.event === "session.join" && news["user"] === "bob"));
    }
  });

  it("names a participant once, however often the same user joins", async () => {
    const alice = await start();
    const again = await ShellClient.open(node, { session, size: [80, 24] });
    await again.shows(/ready/);
    alice.type("exit\n");
    assert.deepEqual((await audited("session.end"))["participants"], ["alice"]);
  });

  it("goes on without the one who started it", async () => {
    const alice = await start();
    const bob = await join();
    await bob.shows(/ready/);
    alice.connection.disconnect("gone");
    await audited("session.leave");
    bob.type("echo still-$((1+1)); exit\n");
    await bob.shows(/still-2/);
    await audited("session.end");
  });

  it("has the size of its smallest peer, and tells those who have another", async () => {
    const alice = await start([120, 40]);
    const bob = await join({ size: [100, 50] });
    await alice.until(() => alice.news.some((news) => news["size"] === "100:40"));
    await bob.until(() => bob.news.some((news) => news["size"] === "100:40"));
    alice.type("stty size\n");
    await alice.shows(/40 100/);
    bob.resize(90, 20);
    await alice.until(() => alice.news.some((news) => news["size"] === "90:20"));
    const watcher = await join({ mode: "observer", size: [10, 10] });
    await watcher.until(() => watcher.news.some((news) => news["size"] === "90:20"));
    bob.connection.disconnect("gone");
    await alice.until(() => alice.news.some((news) => news["size"] === "120:40"));
    alice.type("stty size; exit\n");
    await alice.shows(/40 120/);
    await audited("session.end");
    const sizes = node.auth.events.filter(({ event }) => event === "resize").map((event) => event["size"]);
    assert.deepEqual(sizes, ["100:40", "90:20", "120:40"]);
  });

  it("shows observers everything and takes nothing from them but leave", async () => {
    const alice = await start();
    const watcher = await join({ mode: "observer", size: undefined });
    await watcher.shows(/ready/);
    watcher.type("echo intruded\n");
    alice.type("echo seen-$((1+1))\n");
    await watcher.shows(/seen-2/);
    assert.doesNotMatch(alice.text, /intruded/);
    watcher.type("\x03");
    await watcher.channel.whenClosed;
    assert.equal(watcher.exitStatus, 0);
    alice.type("exit\n");
    await audited("session.end");
  });

  it("refuses what is no way to join", async () => {
    const alice = await start();
    const refused = async (options: object, reason: RegExp): Promise<void> => {
      const client = await join(options);
      await client.channel.whenClosed;
      assert.match(client.errors, reason);
      assert.equal(client.exitStatus, 255);
    };
    await refused({ mode: "moderator" }, /no moderators here; join as peer or observer/);
    await refused({ mode: "god" }, /"god" is no way to join a session/);
    await refused({ size: undefined }, /takes a terminal: use ssh -t, or join as an observer/);
    await refused({ command: "id" }, /is running already; to join it, ask for no command/);
    await refused({ session: randomUUID(), mode: "peer" }, /session '\S+' not found or it has ended/);
    node.writeIdentity("other", { user: "bob", logins: ["nobody"] });
    const set = `SetEnv=TELEPORT_SESSION=${session}`;
    const other = await node.ssh(["-tt", "-o", set, "--"], { identity: "other", login: "nobody" });
    assert.equal(other.code, 255);
    assert.match(
      other.stderr,
      new RegExp(`can't switch users from ${LOGIN} to nobody for session ${session}`),
    );
    alice.type("exit\n");
    await audited("session.end");
  });

  it("is not joined where there is no terminal", async () => {
    const plain = await ShellClient.open(node, { command: "echo started; read -r" });
    await plain.shows(/started/);
    const sid = String((await audited("session.start"))["sid"]);
    const client = await join({ session: sid });
    await client.channel.whenClosed;
    assert.match(client.errors, /has no terminal, so nobody can join it/);
    plain.type("\n");
    await plain.channel.whenClosed;
  });

  it("waits 20 s for somebody to come back, and then hangs up", async () => {
    const alice = await start();
    alice.connection.disconnect("gone");
    await audited("session.leave");
    const bob = await join();
    await clock.advance(21_000);
    bob.type("echo here-$((1+1))\n");
    await bob.shows(/here-2/);
    bob.connection.disconnect("gone");
    await node.auth.waitFor(({ event, user }) => event === "session.leave" && user === "bob");
    assert.equal(count("session.end"), 0);
    await clock.advance(20_000);
    await audited("session.end");
  });

  it("loses nothing of what is said while nobody is there", async () => {
    const alice = await start();
    alice.type("read -r; sleep 0.3; seq 1 5000; echo the''-end\n");
    alice.type("\n");
    alice.connection.disconnect("gone");
    await audited("session.leave");
    const bob = await join();
    await bob.shows(/the-end\r\n/);
    assert.match(bob.text, /\r\n4999\r\n5000\r\n/);
    bob.type("exit\n");
    await audited("session.end");
  });

  it("does not keep a closing node waiting for somebody to come back", async () => {
    const alice = await start();
    alice.connection.disconnect("gone");
    await audited("session.leave");
    await node.close();
    assert.equal(count("session.end"), 1);
  });

  it("is not held up by a party that does not read", async () => {
    const alice = await start();
    const slow = await join();
    await slow.shows(/ready/);
    slow.channel.pause();
    alice.type("head -c 8000000 /dev/zero | tr '\\0' x; echo; echo comp''lete\n");
    await alice.shows(/complete/);
    const left = await audited("session.leave");
    assert.equal(left["user"], "bob");
    assert.ok(node.logLines.some((line) => line.includes("reads too slowly and is dropped")));
    alice.type("exit\n");
    await audited("session.end");
  });

  it("takes those who come at once into one session", async () => {
    const [one, two] = await Promise.all([
      ShellClient.open(node, { session, size: [80, 24] }),
      ShellClient.open(node, { session, size: [80, 24], identity: "bob" }),
    ]);
    one.type("echo all-$((1+1))\n");
    await Promise.all([one.shows(/all-2/), two.shows(/all-2/)]);
    two.type("exit\n");
    assert.equal(count("session.start"), 1);
    assert.deepEqual(((await audited("session.end"))["participants"] as string[]).toSorted(), [
      "alice",
      "bob",
    ]);
  });

  it("throws out whom a lock names, alone, and ends where the lock names the session", async () => {
    const alice = await start();
    const bob = await join();
    await bob.shows(/ready/);
    node.change({ locks: [lock({ session, user: "bob" }, "enough")] });
    await bob.channel.whenClosed;
    assert.match(bob.text, /This session ends: lock targeting .*Session:"\S+".* is in force: enough/);
    assert.notEqual(await bob.connection.globalRequest("x-teleport-version", true), undefined);
    const again = await ShellClient.open(node, { session, size: [80, 24], on: bob.connection });
    await again.channel.whenClosed;
    assert.match(again.errors, /lock targeting/);
    alice.type("echo still-$((1+1))\n");
    await alice.shows(/still-2/);
    node.change({ locks: [lock({ session })] });
    await alice.channel.whenClosed;
    assert.match(alice.text, /This session ends: lock targeting Session:/);
    await audited("session.end");
    assert.notEqual(await alice.connection.globalRequest("x-teleport-version", true), undefined);
  });

  it("ends at once when a lock names it or its last user while nobody is there", async () => {
    const alice = await start();
    alice.connection.disconnect("gone");
    await audited("session.leave");
    node.change({ locks: [lock({ user: "alice" })] });
    await audited("session.end");
  });

  it("has all parties in its live record", async () => {
    const alice = await start();
    const bob = await join();
    await bob.shows(/ready/);
    await clock.advance(2_000);
    const parties = node.auth.liveUpdates.at(-1)?.parties ?? [];
    assert.deepEqual(
      parties.map(({ user }) => user),
      ["alice", "bob"],
    );
    assert.equal(new Set(parties.map(({ id }) => id)).size, 2);
    assert.equal(node.auth.live.get(session)?.login, LOGIN);
    alice.type("exit\n");
    await audited("session.end");
  });
});
