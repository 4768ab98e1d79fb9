import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface FakeRecord {
  readonly sequence: number;
  readonly record: object;
}

interface FakeShard {
  readonly id: string;
  readonly parent: string | undefined;
  readonly records: FakeRecord[];
  closed: boolean;
  listed: boolean;
  /** Records with a lower number are trimmed. */
  trimmedTo: number;
}

/** A server of the DynamoDB Streams API with shards that split, hide and are trimmed, which no emulator has. */
export class FakeStream {
  readonly arn = "arn:aws:dynamodb:local:000000000000:table/fake/stream/1";
  /** The operations that came, with the shard. */
  readonly calls: string[] = [];
  /** Records of one answer. */
  batch = 1000;
  readonly #server: Server;
  readonly #shards = new Map<string, FakeShard>();
  readonly #faults: { readonly operation: string; readonly type: string }[] = [];
  readonly #iterators = new Map<string, { shard: FakeShard; next: number }>();
  #sequence = 1000;
  #names = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
        const answer = this.#answer(operation, JSON.parse(Buffer.concat(chunks).toString()) as Ask);
        response.writeHead("__type" in answer ? 400 : 200, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify(answer));
      });
    });
  }

  static async open(): Promise<FakeStream> {
    const stream = new FakeStream();
    stream.#server.listen(0, "127.0.0.1");
    await once(stream.#server, "listening");
    return stream;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Adds a shard; `hidden` ones are not listed until {@link show}. */
  shard(id: string, parent?: string, hidden = false): void {
    const shard = { id, parent, records: [], closed: false, listed: !hidden, trimmedTo: 0 };
    this.#shards.set(id, shard);
  }

  show(...ids: string[]): void {
    ids.forEach((id) => (this.#shard(id).listed = true));
  }

  /** Closes a shard; its children may come now or later. */
  end(id: string): void {
    this.#shard(id).closed = true;
  }

  /** Trims what a shard holds so far; a closed one is no longer listed. */
  trim(id: string): void {
    const shard = this.#shard(id);
    shard.trimmedTo = ++this.#sequence;
    shard.listed &&= !shard.closed;
  }

  /** Writes an item, or removes it where there is no value. Returns the sequence number. */
  write(shard: string, key: string, value?: string, name = value === undefined ? "REMOVE" : "MODIFY"): void {
    const sequence = ++this.#sequence;
    const Keys = { HashKey: { S: "teleport" }, FullPath: { S: `teleport${key}` } };
    const image = value !== undefined && {
      NewImage: {
        ...Keys,
        Value: { B: Buffer.from(value).toString("base64") },
        Revision: { S: `r${sequence}` },
      },
    };
    const dynamodb = { Keys, ...image, SequenceNumber: String(sequence) };
    this.#shard(shard).records.push({ sequence, record: { eventName: name, dynamodb } });
  }

  /** All iterators given so far have expired. */
  expireIterators(): void {
    this.#iterators.clear();
  }

  /** The next call of an operation fails. */
  fail(operation: string, type: string): void {
    this.#faults.push({ operation, type });
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #shard(id: string): FakeShard {
    const shard = this.#shards.get(id);
    if (!shard) throw new Error(`there is no shard ${id}`);
    return shard;
  }

  #answer(operation: string, ask: Ask): object {
    this.calls.push(`${operation} ${ask.ShardId ?? ""} ${ask.ShardIteratorType ?? ""}`.trim());
    const fault = this.#faults.findIndex((entry) => entry.operation === operation);
    if (fault !== -1) return { __type: this.#faults.splice(fault, 1)[0]?.type };
    switch (operation) {
      case "DescribeStream":
        return this.#describe(ask.ExclusiveStartShardId);
      case "GetShardIterator":
        return this.#iterate(ask);
      case "GetRecords":
        return this.#read(ask.ShardIterator ?? "");
      default:
        return { __type: "UnknownOperationException" };
    }
  }

  /** One shard in each answer, so that paging is needed. */
  #describe(after: string | undefined): object {
    const listed = [...this.#shards.values()].filter((shard) => shard.listed);
    const at = after === undefined ? 0 : listed.findIndex(({ id }) => id === after) + 1;
    const shard = listed[at];
    const last = at >= listed.length - 1;
    return {
      StreamDescription: {
        StreamArn: this.arn,
        StreamStatus: "ENABLED",
        Shards: shard
          ? [
              {
                ShardId: shard.id,
                ParentShardId: shard.parent,
                SequenceNumberRange: {
                  StartingSequenceNumber: String(shard.records[0]?.sequence ?? this.#sequence),
                  ...(shard.closed && { EndingSequenceNumber: String(this.#sequence) }),
                },
              },
            ]
          : [],
        ...(!last && { LastEvaluatedShardId: shard?.id }),
      },
    };
  }

  #iterate({ ShardId = "", ShardIteratorType, SequenceNumber }: Ask): object {
    const shard = this.#shards.get(ShardId);
    if (!shard?.listed) return { __type: "ResourceNotFoundException" };
    const number = Number(SequenceNumber);
    const from = {
      TRIM_HORIZON: shard.trimmedTo,
      LATEST: this.#sequence + 1,
      AT_SEQUENCE_NUMBER: number,
      AFTER_SEQUENCE_NUMBER: number + 1,
    }[ShardIteratorType ?? "LATEST"];
    if (SequenceNumber !== undefined && from <= shard.trimmedTo)
      return { __type: "TrimmedDataAccessException" };
    return { ShardIterator: this.#iterator(shard, from) };
  }

  #read(name: string): object {
    const iterator = this.#iterators.get(name);
    if (!iterator) return { __type: "ExpiredIteratorException" };
    const { shard, next } = iterator;
    if (!shard.listed) return { __type: "ResourceNotFoundException" };
    if (shard.records.some(({ sequence }) => sequence >= next && sequence < shard.trimmedTo)) {
      return { __type: "TrimmedDataAccessException" };
    }
    const records = shard.records.filter(({ sequence }) => sequence >= next).slice(0, this.batch);
    const last = records.at(-1)?.sequence;
    const rest = shard.records.some(({ sequence }) => sequence > (last ?? next - 1));
    // The last batch of a closed shard comes together with the end.
    const over = shard.closed && !rest;
    return {
      Records: records.map(({ record }) => record),
      ...(!over && { NextShardIterator: this.#iterator(shard, last === undefined ? next : last + 1) }),
    };
  }

  #iterator(shard: FakeShard, next: number): string {
    const name = `${shard.id}#${++this.#names}`;
    this.#iterators.set(name, { shard, next });
    return name;
  }
}

interface Ask {
  readonly ShardId?: string;
  readonly ShardIteratorType?: "TRIM_HORIZON" | "LATEST" | "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER";
  readonly SequenceNumber?: string;
  readonly ShardIterator?: string;
  readonly ExclusiveStartShardId?: string;
}
