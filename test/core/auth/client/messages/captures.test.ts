/** Messages that 4.2 wrote, against what we read in them and write ourselves. */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  EventSchema,
  PingResponseSchema,
  UserCertsRequestSchema,
  WatchSchema,
} from "../../../../../core/auth/client/messages/gen/auth_pb.js";
import {
  KeepAliveSchema,
  ServerV2Schema,
  UserV2Schema,
} from "../../../../../core/auth/client/messages/gen/services_pb.js";
import { fromServer, toServer } from "../../../../../core/auth/client/messages/server.js";
import { decodeSessionSlice, encodeSessionSlice } from "../../../../../core/auth/client/session-slice.js";
import {
  dateToTimestamp,
  fromTimestamp,
  timestampToDate,
  toTimestamp,
} from "../../../../../core/auth/client/messages/timestamp.js";
import { fromUser, toUser } from "../../../../../core/auth/client/messages/user.js";
import { fromEvent, toEvent } from "../../../../../core/auth/client/watch-message.js";
import { hasCode } from "../../../../../core/errors/error.js";
import { ZERO_TIME } from "../../../../../core/resources/envelope.js";
import { grpcCaptures, restExchange, type CapturedMessage } from "../../api/fixtures.js";

describe("messages captured from 4.2", () => {
  const captured = (type: string): CapturedMessage[] => {
    const found = grpcCaptures
      .flatMap((c) => [c.request, c.response, c["client->server"], c["server->client"]])
      .filter((m): m is CapturedMessage => m?.type === type && m.hex !== "");
    assert.ok(found.length > 0, `no capture of ${type}`);
    return found;
  };

  it("are read as servers and written with the same content", () => {
    for (const { hex, json } of captured("*services.ServerV2")) {
      const message = decode(ServerV2Schema, hex);
      assert.deepEqual(withoutId(fromServer(message)), withoutId(json));
      assertSameBytes(ServerV2Schema, toServer(fromServer(message)), message);
    }
  });

  it("are read as users and written with the same content", () => {
    for (const { hex, json } of captured("*services.UserV2")) {
      const message = decode(UserV2Schema, hex);
      const user = fromUser(message);
      const expected = withoutId(json) as { spec: { roles?: string[] } };
      assert.deepEqual(withoutId(user), { ...expected, spec: { roles: [], ...expected.spec } });
      assertSameBytes(UserV2Schema, toUser(user), message);
    }
  });

  it("are read as events; those of kinds we do not have are passed over", () => {
    const kinds = captured("*proto.Event").map(({ hex }) => {
      const message = decode(EventSchema, hex);
      const event = fromEvent(message);
      if (event) assertSameBytes(EventSchema, toEvent(event), message);
      return event?.type === "put" ? event.resource.kind : event?.type;
    });
    assert.deepEqual(new Set(kinds), new Set(["proxy", "user", "cert_authority", undefined]));
  });

  it("include the start of a watch as an empty message", () => {
    assert.equal(toBinary(EventSchema, toEvent({ type: "init" })).length, 0);
    assert.deepEqual(fromEvent(create(EventSchema)), { type: "init" });
  });

  it("are read as watch requests, keep-alives, certificate requests and pings", () => {
    const [watch] = captured("*proto.Watch");
    const kinds = decode(WatchSchema, watch!.hex).kinds.map(({ kind }) => kind);
    assert.deepEqual(
      kinds,
      (watch!.json as { kinds: { kind: string }[] }).kinds.map(({ kind }) => kind),
    );
    const replies = captured("*services.KeepAlive").map(({ hex }) => decode(KeepAliveSchema, hex));
    assert.ok(replies.some(({ expires }) => timestampToDate(expires) === undefined));
    assert.ok(replies.some(({ expires }) => (timestampToDate(expires)?.getFullYear() ?? 0) === 2026));
    const [certs] = captured("*proto.UserCertsRequest");
    const request = decode(UserCertsRequestSchema, certs!.hex);
    assert.equal(request.username, "alice");
    assert.equal(fromTimestamp(request.expires), "2026-11-22T20:23:04.086667563Z");
    const ping = create(PingResponseSchema, { clusterName: "wire.test", serverVersion: "4.2.12" });
    assert.equal(hex(toBinary(PingResponseSchema, ping)), captured("*proto.PingResponse")[0]!.hex);
  });

  it("hold a deletion as a header with kind, sub-kind and name", () => {
    const event = { type: "delete", kind: "cert_authority", subKind: "host", name: "leaf.test" } as const;
    const bytes = toBinary(EventSchema, toEvent(event));
    assert.equal(hex(bytes).slice(0, 4), "0802");
    assert.deepEqual(fromEvent(fromBinary(EventSchema, bytes)), event);
  });

  it("are read as session slices and written byte for byte", () => {
    const { body } = restExchange("Node_POST_v2_namespaces_default_sessions_ID_slice");
    const bytes = Buffer.from(String(body).slice("hex:".length), "hex");
    const slice = decodeSessionSlice(bytes);
    assert.equal(slice.chunks[0]!.eventType, "session.start");
    assert.equal(
      (JSON.parse(Buffer.from(slice.chunks[0]!.data).toString()) as { user: string }).user,
      "alice",
    );
    assert.ok(bytes.equals(encodeSessionSlice(slice)));
  });

  it("are refused as slices when they are none", () => {
    assert.throws(
      () => decodeSessionSlice(Buffer.from("0aff", "hex")),
      (error) => hasCode(error, "bad_parameter"),
    );
  });
});

describe("timestamps", () => {
  const zeroTime = "088092b8c398feffffff01";

  it("send the zero time in full, and read an absent one as it", () => {
    const keepAlive = create(KeepAliveSchema, { expires: dateToTimestamp(undefined) });
    assert.equal(hex(toBinary(KeepAliveSchema, keepAlive)), `220b${zeroTime}`);
    assert.equal(fromTimestamp(undefined), ZERO_TIME);
    assert.equal(timestampToDate(toTimestamp(ZERO_TIME)), undefined);
  });

  it("keep nanoseconds and offsets", () => {
    for (const text of [
      "2026-11-22T10:28:23.03Z",
      "2026-11-22T10:30:59.610178681Z",
      "1969-12-31T23:59:59.9Z",
    ]) {
      assert.equal(fromTimestamp(toTimestamp(text)), text);
    }
    assert.equal(fromTimestamp(toTimestamp("2026-11-22T12:00:00.5+02:00")), "2026-11-22T10:00:00.5Z");
  });

  it("refuse what is no time", () => {
    for (const text of ["yesterday", "2026-13-01T00:00:00Z", "2026-11-22"]) {
      assert.throws(
        () => toTimestamp(text),
        (error) => hasCode(error, "bad_parameter"),
      );
    }
    const late = toTimestamp(ZERO_TIME);
    late.seconds = 1n << 60n;
    assert.throws(
      () => fromTimestamp(late),
      (error) => hasCode(error, "bad_parameter"),
    );
  });
});

function decode<D extends DescMessage>(schema: D, text: string): MessageShape<D> {
  return fromBinary(schema, Uint8Array.from(Buffer.from(text, "hex")));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Compares as peers see it: everything 4.2 sent, but for the id of its backend and the order of maps. */
function assertSameBytes<D extends DescMessage>(
  schema: D,
  ours: MessageShape<D>,
  theirs: MessageShape<D>,
): void {
  forget(theirs);
  assert.deepEqual(sortedBytes(toBinary(schema, ours)), sortedBytes(toBinary(schema, theirs)));
  assert.deepEqual(ours, theirs);
}

function sortedBytes(bytes: Uint8Array): string {
  return [...bytes].sort((a, b) => a - b).join(" ");
}

function forget(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if ("id" in value && typeof value.id === "bigint") value.id = 0n;
  for (const inner of Object.values(value)) forget(inner);
}

function withoutId(resource: object): unknown {
  return JSON.parse(JSON.stringify(resource, (key, value: unknown) => (key === "id" ? undefined : value)));
}
