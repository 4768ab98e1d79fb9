import assert from "node:assert/strict";
import type { PendingAuditEvent } from "../../../core/audit/catalogue.js";
import { unavailable } from "../../../core/errors/error.js";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import { SftpAudit } from "../../../core/session/sftp-audit.js";
import { SFTP } from "../../../core/session/sftp-packets.js";

const FACTS = {
  "user": "alice",
  "login": "root",
  "addr.local": "127.0.0.1:3022",
  "addr.remote": "127.0.0.1:50000",
  "sid": "11111111-2222-4333-8444-555555555555",
  "namespace": "default",
  "server_id": "node",
};
const OK = 0;
const PERMISSION_DENIED = 3;
const WRITE_AND_CREATE = 0x0a;
const NO_ATTRIBUTES = Buffer.alloc(4);

function packet(type: number, body: SshWriter): Buffer {
  return new SshWriter().string(new SshWriter().byte(type).raw(body.toBuffer()).toBuffer()).toBuffer();
}
const request = (type: number, id: number, fill: (body: SshWriter) => SshWriter): Buffer =>
  packet(type, fill(new SshWriter().uint32(id)));
const status = (id: number, code: number, words = ""): Buffer =>
  request(SFTP.status, id, (body) => body.uint32(code).string(words).string(""));
const handle = (id: number, name: string): Buffer => request(SFTP.handle, id, (body) => body.string(name));
const open = (id: number, path: string): Buffer =>
  request(SFTP.open, id, (body) => body.string(path).uint32(WRITE_AND_CREATE).raw(NO_ATTRIBUTES));
const close = (id: number, name: string): Buffer => request(SFTP.close, id, (body) => body.string(name));
const write = (id: number, name: string, bytes: number): Buffer =>
  request(SFTP.write, id, (body) => body.string(name).uint64(0n).string(Buffer.alloc(bytes, 1)));
const read = (id: number, name: string): Buffer =>
  request(SFTP.read, id, (body) =>
    body
      .string(name)
      .uint64(0n)
      .uint32(1 << 20),
  );
const data = (id: number, bytes: number): Buffer =>
  request(SFTP.data, id, (body) => body.string(Buffer.alloc(bytes, 2)));

interface Heard {
  readonly audit: SftpAudit;
  readonly events: PendingAuditEvent[];
}

function listen(): Heard {
  const events: PendingAuditEvent[] = [];
  const emit = (event: PendingAuditEvent): Promise<void> => {
    events.push(event);
    return Promise.resolve();
  };
  return { audit: new SftpAudit({ facts: FACTS, emit, unreadable: () => undefined }), events };
}

const told = (events: readonly PendingAuditEvent[]): unknown[] =>
  events.map(({ code, path, target_path: target }) => [
    code,
    path,
    ...(target === undefined ? [] : [target]),
  ]);

describe("the audit of sftp", () => {
  it("tells an upload: the opening before it happens, and the bytes when it is closed", async () => {
    const { audit, events } = listen();
    await audit.input(open(1, "/etc/motd"));
    assert.deepEqual(told(events), [["TS001I", "/etc/motd"]]);
    assert.equal(events[0]?.["flags"], WRITE_AND_CREATE);
    await audit.output(handle(1, "h1"));
    for (const id of [2, 3]) assert.equal(audit.input(write(id, "h1", 30_000)), undefined);
    await audit.output(Buffer.concat([status(2, OK), status(3, PERMISSION_DENIED)]));
    await audit.input(close(4, "h1"));
    await audit.output(status(4, OK));
    assert.deepEqual(told(events), [
      ["TS001I", "/etc/motd"],
      ["TS002I", "/etc/motd"],
    ]);
    assert.deepEqual([events[1]?.["bytes_written"], events[1]?.["bytes_read"]], [30_000, 0]);
    assert.equal(events[1]?.["sid"], FACTS.sid);
  });

  it("tells the bytes of a download whose client went away before it closed the file", async () => {
    const { audit, events } = listen();
    await audit.input(open(1, "secret"));
    await audit.output(handle(1, "h1"));
    await audit.input(Buffer.concat([read(2, "h1"), read(3, "h1")]));
    await audit.output(Buffer.concat([data(3, 1000), data(2, 500)]));
    await audit.end();
    assert.equal(events[1]?.code, "TS002I");
    assert.equal(events[1]?.["bytes_read"], 1500);
  });

  it("tells all that changes the tree, with both paths where there are two", async () => {
    const { audit, events } = listen();
    let id = 0;
    const paths = (type: number, ...names: string[]): Buffer =>
      request(type, ++id, (body) => names.reduce((filled, name) => filled.string(name), body));
    const extended = (name: string): Buffer => paths(SFTP.extended, name, "a", "b");
    const mode = new SshWriter().uint32(4).uint32(0o100600).toBuffer();
    await audit.input(
      Buffer.concat([
        paths(SFTP.remove, "r"),
        request(SFTP.mkdir, ++id, (body) => body.string("m").raw(NO_ATTRIBUTES)),
        paths(SFTP.rmdir, "d"),
        paths(SFTP.rename, "a", "b"),
        extended("posix-rename@openssh.com"),
        extended("hardlink@openssh.com"),
        paths(SFTP.symlink, "points here", "link"),
        request(SFTP.setstat, ++id, (body) => body.string("s").raw(mode)),
      ]),
    );
    assert.deepEqual(told(events), [
      ["TS011I", "r"],
      ["TS012I", "m"],
      ["TS013I", "d"],
      ["TS016I", "a", "b"],
      ["TS016I", "a", "b"],
      ["TS019I", "a", "b"],
      ["TS018I", "link", "points here"],
      ["TS007I", "s"],
    ]);
    assert.deepEqual(events.at(-1)?.["attributes"], { permissions: "0600" });
  });

  it("tells a refusal with the server's words", async () => {
    const { audit, events } = listen();
    await audit.input(request(SFTP.remove, 7, (body) => body.string("/etc/shadow")));
    await audit.output(status(7, PERMISSION_DENIED, "Permission denied"));
    assert.deepEqual(told(events), [
      ["TS011I", "/etc/shadow"],
      ["TS011E", "/etc/shadow"],
    ]);
    assert.equal(events[1]?.["error"], "Permission denied");
  });

  it("hears the same however the stream is cut", async () => {
    const input = Buffer.concat([open(1, "/a"), write(2, "h", 5000), read(3, "h"), close(4, "h")]);
    const output = Buffer.concat([handle(1, "h"), status(2, OK), data(3, 700), status(4, OK)]);
    for (const size of [1, 2, 3, 7, 100, 4096]) {
      const { audit, events } = listen();
      // The opening has to be answered before the handle is used.
      const first = open(1, "/a").length;
      for (const piece of pieces(input.subarray(0, first), size)) await audit.input(piece);
      const answered = handle(1, "h").length;
      for (const piece of pieces(output.subarray(0, answered), size)) await audit.output(piece);
      for (const piece of pieces(input.subarray(first), size)) await audit.input(piece);
      for (const piece of pieces(output.subarray(answered), size)) await audit.output(piece);
      assert.deepEqual(told(events), [
        ["TS001I", "/a"],
        ["TS002I", "/a"],
      ]);
      assert.deepEqual([events[1]?.["bytes_written"], events[1]?.["bytes_read"]], [5000, 700]);
    }
  });

  it("counts bytes of a handle that the client guessed before it was given", async () => {
    const { audit, events } = listen();
    await audit.input(Buffer.concat([open(1, "/a"), write(2, "h", 5000), read(3, "h"), close(4, "h")]));
    await audit.output(Buffer.concat([handle(1, "h"), status(2, OK), data(3, 700), status(4, OK)]));
    assert.deepEqual([events[1]?.["bytes_written"], events[1]?.["bytes_read"]], [5000, 700]);
  });

  it("rejects what cannot be put on record, so that it is not passed on", async () => {
    const emit = (): Promise<void> => Promise.reject(unavailable("the disk is full"));
    const audit = new SftpAudit({ facts: FACTS, emit, unreadable: () => undefined });
    await assert.rejects(audit.input(open(1, "/a")) ?? Promise.resolve(), /the disk is full/);
  });

  for (const [what, bytes] of [
    ["a packet without a type", Buffer.alloc(8)],
    ["a packet beyond all limits", Buffer.from("ffffffff03", "hex")],
    [
      "a change of a file that is not open",
      request(SFTP.fsetstat, 1, (body) => body.string("h").raw(NO_ATTRIBUTES)),
    ],
    [
      "an id that waits for its answer already",
      Buffer.concat([open(1, "/a"), request(17, 1, (body) => body.string("/a"))]),
    ],
    ["a request of another version", request(21, 1, (body) => body.string("a").string("b"))],
    ["an unknown extension", request(SFTP.extended, 1, (body) => body.string("copy-file").string("a"))],
    ["a request that ends too early", packet(SFTP.rename, new SshWriter().uint32(1).string("only one"))],
  ] as const) {
    it(`rejects ${what}: it could not be audited`, async () => {
      await assert.rejects(listen().audit.input(bytes) ?? Promise.resolve(), { code: "bad_parameter" });
    });
  }

  it("rejects another version of the protocol", async () => {
    const version = packet(SFTP.version, new SshWriter().uint32(6));
    await assert.rejects(listen().audit.output(version) ?? Promise.resolve(), /version 6/);
  });
});

function pieces(whole: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
    whole.subarray(i * size, (i + 1) * size),
  );
}
