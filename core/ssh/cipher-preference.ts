/**
 * In SSH the client's order decides which cipher is used (RFC 4253 §7.1), and stock OpenSSH prefers AES-CTR with a MAC to
 * AES-GCM, which costs a server twice the CPU time. So the client's offer is read before our own is sent, and a client that
 * can do GCM is offered nothing else. Only OpenSSH is waited for: it is known to send its offer without seeing ours.
 */
import { SshReader } from "../pki/ssh-wire.js";
import { MESSAGE } from "./messages.js";

const IDENT = /^SSH-2\.0-OpenSSH_/;
const MAX_IDENT_BYTES = 255;
const MAX_PACKET_BYTES = 35_000;
const COOKIE_BYTES = 16;

/** Reads the first bytes of a client: its identification string and its KEXINIT. */
export class ClientOfferReader {
  readonly #preferred: readonly string[];
  readonly #prefer: (ciphers: readonly string[]) => void;
  #seen: Buffer = Buffer.alloc(0);

  /** `prefer` is called where the client can do some of the preferred ciphers both ways. */
  constructor(preferred: readonly string[], prefer: (ciphers: readonly string[]) => void) {
    this.#preferred = preferred;
    this.#prefer = prefer;
  }

  /** Adds bytes; gives all of them back once enough are known, undefined before. Malformed ones are left to the transport. */
  push(chunk: Buffer): Buffer | undefined {
    this.#seen = this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const seen = this.#seen;
    const identEnd = seen.indexOf(10) + 1;
    if (identEnd === 0) return seen.length > MAX_IDENT_BYTES ? seen : undefined;
    if (!IDENT.test(seen.toString("latin1", 0, identEnd))) return seen;
    if (seen.length < identEnd + 4) return undefined;
    const packetBytes = seen.readUInt32BE(identEnd);
    if (packetBytes > MAX_PACKET_BYTES) return seen;
    if (seen.length < identEnd + 4 + packetBytes) return undefined;
    const common = this.#common(seen.subarray(identEnd + 5, identEnd + 4 + packetBytes));
    if (common.length > 0) this.#prefer(common);
    return seen;
  }

  /** The preferred ciphers that a KEXINIT offers in both directions. */
  #common(payload: Buffer): string[] {
    if (payload[0] !== MESSAGE.kexInit || payload.length < 1 + COOKIE_BYTES) return [];
    const reader = new SshReader(payload, 1 + COOKIE_BYTES);
    reader.string();
    reader.string();
    const toServer = reader.text().split(",");
    const toClient = reader.text().split(",");
    return this.#preferred.filter((name) => toServer.includes(name) && toClient.includes(name));
  }
}
