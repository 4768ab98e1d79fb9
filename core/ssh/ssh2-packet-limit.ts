/**
 * Makes ssh2's limit on the size of a packet one per connection. In ssh2 it is a constant, 35000 bytes (RFC 4253 §6.1), and a
 * larger packet ends the connection with all its channels; OpenSSH takes and sends commands and variables of up to 256 KiB.
 * The constant is out of reach for a caller, so the one module that knows it is compiled with it made a property.
 */
import { readFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { dirname } from "node:path";
import { internal } from "../errors/error.js";

/** A decipher of ssh2, by the property that is added to it. */
export interface LimitedDecipher {
  /** Largest packet length field that is taken; ssh2's own limit where it is absent. */
  maxPacketBytes?: number;
}

/** Members of Node's module loader (CommonJS) that its types leave out. */
interface CompilableModule extends NodeJS.Module {
  _compile(source: string, path: string): void;
}

const CHECK = / > MAX_PACKET_SIZE\b/g;
/** One in each of ssh2's seven deciphers. */
const CHECKS = 7;

/** Prepares ssh2's module of ciphers; it must not have been loaded before. Throws `internal` where it is not as expected. */
export function liftPacketLimit(load: NodeJS.Require): void {
  const path = load.resolve("ssh2/lib/protocol/crypto.js");
  const source = readFileSync(path, "utf8");
  if (source.match(CHECK)?.length !== CHECKS || load.cache[path] !== undefined) {
    throw internal("this version of ssh2 checks packet sizes in another way than the pinned one");
  }
  const module = new Module(path) as CompilableModule;
  module.filename = path;
  module.paths = createRequire(path).resolve.paths("ssh2") ?? [dirname(path)];
  module._compile(source.replace(CHECK, " > (this.maxPacketBytes ?? MAX_PACKET_SIZE)"), path);
  module.loaded = true;
  load.cache[path] = module;
}
