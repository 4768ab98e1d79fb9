/** Files of records of one size, sorted by a key: the nth is found without reading the others. */
import { open, type FileHandle } from "node:fs/promises";
import { corrupt } from "../errors/error.js";

const BATCH_RECORDS = 1024;

/** An open file of records. The caller closes it. */
export class FixedRecords {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #recordBytes: number;

  private constructor(
    path: string,
    file: FileHandle,
    recordBytes: number,
    /** How many records there are. */
    readonly count: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#recordBytes = recordBytes;
  }

  /** Opens a file. Throws the file system's error where there is none. */
  static async open(path: string, recordBytes: number): Promise<FixedRecords> {
    const file = await open(path, "r");
    return new FixedRecords(path, file, recordBytes, Math.floor((await file.stat()).size / recordBytes));
  }

  /** Reads up to `count` records from `index` on; fewer at the end. */
  async read(index: number, count: number): Promise<Buffer[]> {
    const wanted = Math.max(0, Math.min(count, this.count - index));
    const bytes = Buffer.alloc(wanted * this.#recordBytes);
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, index * this.#recordBytes);
    if (bytesRead < bytes.length) throw corrupt(`${this.#path} is cut short`);
    return Array.from({ length: wanted }, (_, i) =>
      bytes.subarray(i * this.#recordBytes, (i + 1) * this.#recordBytes),
    );
  }

  /** The index of the first record whose key is greater than `key`; the count where none is. */
  async after(key: number, keyOf: (record: Buffer) => number): Promise<number> {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const [record] = await this.read(middle, 1);
      if (record === undefined || keyOf(record) > key) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Writes records in the order they come. */
export async function writeRecords(path: string, records: AsyncIterable<Buffer>): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    let batch: Buffer[] = [];
    for await (const record of records) {
      if (batch.push(record) < BATCH_RECORDS) continue;
      await file.appendFile(Buffer.concat(batch));
      batch = [];
    }
    await file.appendFile(Buffer.concat(batch));
  } finally {
    await file.close();
  }
}
