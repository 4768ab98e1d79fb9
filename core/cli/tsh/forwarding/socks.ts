/** The server's side of a SOCKS handshake: versions 4, 4a and 5 (RFC 1928), `CONNECT` without authentication. */
import type { Duplex } from "node:stream";
import { badParameter, notImplemented } from "../../../errors/error.js";
import type { Address } from "../../../grammar/address.js";
import { readExactly } from "./stream-reader.js";

/** Why a request fails, in the words of RFC 1928 §6. */
export type SocksFailure = "general" | "not_allowed" | "refused" | "command" | "address";

/** A client that waits for its answer. After `grant` the stream carries its bytes. */
export interface SocksRequest {
  readonly target: Address;
  grant(): void;
  /** Answers and ends the stream. */
  refuse(failure: SocksFailure): void;
}

const VERSION_4 = 4;
const VERSION_5 = 5;
const CONNECT = 1;
const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 0xff;
const MAX_TEXT_BYTES = 255;

const GRANTED_4 = 0x5a;
const REJECTED_4 = 0x5b;
const CODES_5: Readonly<Record<SocksFailure, number>> = {
  general: 1,
  not_allowed: 2,
  refused: 5,
  command: 7,
  address: 8,
};

/** Reads a client's request. Throws `bad_parameter` and `not_implemented` after the client was told, where it can be. */
export async function readSocksRequest(stream: Duplex): Promise<SocksRequest> {
  const [version] = await readExactly(stream, 1);
  if (version === VERSION_5) return readVersion5(stream);
  if (version === VERSION_4) return readVersion4(stream);
  throw badParameter(`a client of the dynamic forward speaks no SOCKS (its first byte is ${version})`);
}

async function readVersion4(stream: Duplex): Promise<SocksRequest> {
  const reply = (code: number): Buffer => Buffer.from([0, code, 0, 0, 0, 0, 0, 0]);
  const head = await readExactly(stream, 7);
  await readText(stream);
  const address = head.subarray(3, 7);
  // 4a: an address of the form 0.0.0.x says that a name follows.
  const isName = address.readUInt32BE(0) > 0 && address.readUInt32BE(0) < 256;
  const host = isName ? await readText(stream) : address.join(".");
  const request = {
    target: { host, port: head.readUInt16BE(1) },
    grant: () => void stream.write(reply(GRANTED_4)),
    refuse: () => void stream.end(reply(REJECTED_4)),
  };
  return checked(request, head[0]);
}

async function readVersion5(stream: Duplex): Promise<SocksRequest> {
  const [count = 0] = await readExactly(stream, 1);
  const methods = await readExactly(stream, count);
  if (!methods.includes(NO_AUTHENTICATION)) {
    stream.end(Buffer.of(VERSION_5, NO_ACCEPTABLE_METHOD));
    throw badParameter("a client of the dynamic forward insists on a SOCKS password: use it without one");
  }
  stream.write(Buffer.of(VERSION_5, NO_AUTHENTICATION));
  const [, command, , kind] = await readExactly(stream, 4);
  const reply = (code: number): Buffer => Buffer.from([VERSION_5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
  const host = await readHost5(stream, kind);
  if (host === undefined) {
    stream.end(reply(CODES_5.address));
    throw badParameter(`a client of the dynamic forward sent an unknown kind of address (${kind})`);
  }
  const request = {
    target: { host, port: (await readExactly(stream, 2)).readUInt16BE(0) },
    grant: () => void stream.write(reply(0)),
    refuse: (failure: SocksFailure) => void stream.end(reply(CODES_5[failure])),
  };
  return checked(request, command);
}

async function readHost5(stream: Duplex, kind: number | undefined): Promise<string | undefined> {
  switch (kind) {
    case 1:
      return (await readExactly(stream, 4)).join(".");
    case 3: {
      const [length = 0] = await readExactly(stream, 1);
      return (await readExactly(stream, length)).toString("utf8");
    }
    case 4: {
      const groups = (await readExactly(stream, 16)).toString("hex").match(/.{4}/g)!;
      return groups.join(":");
    }
    case undefined:
    default:
      return undefined;
  }
}

/** Text up to a zero byte. */
async function readText(stream: Duplex): Promise<string> {
  const bytes: number[] = [];
  for (;;) {
    const [byte = 0] = await readExactly(stream, 1);
    if (byte === 0) return Buffer.from(bytes).toString("utf8");
    if (bytes.push(byte) > MAX_TEXT_BYTES) throw badParameter("a SOCKS request is too long");
  }
}

function checked(request: SocksRequest, command: number | undefined): SocksRequest {
  if (command !== CONNECT) {
    request.refuse("command");
    throw notImplemented(
      "a client of the dynamic forward asked for more than CONNECT: only that is forwarded",
    );
  }
  if (request.target.host === "" || request.target.port === 0) {
    request.refuse("general");
    throw badParameter("a client of the dynamic forward named no target");
  }
  return request;
}
