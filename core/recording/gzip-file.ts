import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, type Gzip } from "node:zlib";
import { partialPath } from "./durable-file.js";

/** A gzip file that appears under its name when it is whole (0640). */
export class GzipFile {
  readonly #path: string;
  readonly #partial: string;
  readonly #file: FileHandle;
  readonly #gzip: Gzip;
  readonly #done: Promise<void>;

  private constructor(path: string, partial: string, file: FileHandle) {
    this.#path = path;
    this.#partial = partial;
    this.#file = file;
    this.#gzip = createGzip({ level: constants.Z_BEST_SPEED });
    this.#done = pipeline(this.#gzip, async (compressed: AsyncIterable<Buffer>) => {
      for await (const chunk of compressed) await file.appendFile(chunk);
    });
    // Awaited by write and finish; a failure in between must not count as unhandled.
    this.#done.catch(() => undefined);
  }

  static async create(path: string): Promise<GzipFile> {
    const partial = partialPath(path);
    return new GzipFile(path, partial, await open(partial, "ax", 0o600));
  }

  /** Appends, waiting while the disk is behind. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#gzip.write(data)) return;
    const drained = new Promise<void>((resolve) => this.#gzip.once("drain", resolve));
    await Promise.race([drained, this.#done]);
  }

  /** Ends, syncs and names the file. The caller syncs the directory. */
  async finish(): Promise<void> {
    this.#gzip.end();
    await this.#done;
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#partial, this.#path);
  }

  /** Drops what was written. Harmless after {@link finish}. */
  async discard(): Promise<void> {
    this.#gzip.destroy();
    await this.#done.catch(() => undefined);
    await this.#file.close().catch(() => undefined);
    await rm(this.#partial, { force: true });
  }
}
