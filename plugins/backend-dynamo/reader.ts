import {
  GetItemCommand,
  QueryCommand,
  type DynamoDBClient,
  type QueryCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { notFound, type Clock, type Item, type KeyRange } from "@teleport/plugin";
import { MAX_KEY_BYTES } from "./item-limits.js";
import { linkSignals } from "./linked-signal.js";
import type { Requests } from "./requests.js";
import { expirySecondsOf, HASH_KEY, hasExpired, itemOf, KEY_PREFIX, keyOf, rowKey, type Row } from "./row.js";

/** Rows of one page: decoding one must not hold up the event loop. */
const PAGE_ROWS = 250;

/** Is told of rows that have expired and are still there. */
export type OnExpired = (key: string, seconds: number) => void;

/** Reads, always consistently. Expired rows are never shown, and are reported to the sweep. */
export class Reader {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly requests: Requests,
    private readonly clock: Clock,
    private readonly onExpired: OnExpired,
  ) {}

  /** A live item. Throws `not_found`. */
  async get(key: string): Promise<Item> {
    const { Item: row } = await this.requests.call("GetItem", (options) =>
      this.client.send(
        new GetItemCommand({
          TableName: this.requests.context.table,
          Key: rowKey(key),
          ConsistentRead: true,
        }),
        options,
      ),
    );
    const item = row && this.isLive(row) ? itemOf(row) : undefined;
    if (!item) {
      throw notFound(`${key} is not found`);
    }
    return item;
  }

  /** The live rows of a range, page by page; the next page is fetched while the caller looks at one. */
  async *pages(range: KeyRange, signal: AbortSignal | undefined): AsyncGenerator<Row[]> {
    const bounds = boundsOf(range);
    if (!bounds) {
      return;
    }
    const over = new AbortController();
    const { signal: either, unlink } = linkSignals(signal ? [signal, over.signal] : [over.signal]);
    try {
      let next: Promise<QueryCommandOutput> | undefined = this.#query(bounds, undefined, either);
      while (next) {
        const { Items = [], LastEvaluatedKey }: QueryCommandOutput = await next;
        next = LastEvaluatedKey && this.#query(bounds, LastEvaluatedKey, either);
        // Reported when it is its turn; without anyone asking for it, it is nobody's failure.
        next?.catch(() => undefined);
        yield Items.filter((row) => isWithin(row, range) && this.isLive(row));
      }
    } finally {
      over.abort();
      unlink();
    }
  }

  /** Whether a row has not expired. */
  isLive(row: Row): boolean {
    if (!hasExpired(row, this.clock.now().getTime())) {
      return true;
    }
    const key = keyOf(row);
    if (key !== undefined) {
      this.onExpired(key, expirySecondsOf(row) ?? 0);
    }
    return false;
  }

  #query(bounds: Bounds, after: Row | undefined, signal: AbortSignal): Promise<QueryCommandOutput> {
    const query = new QueryCommand({
      TableName: this.requests.context.table,
      ConsistentRead: true,
      Limit: PAGE_ROWS,
      // There is no form with an exclusive end: `isWithin` leaves it out.
      KeyConditionExpression: "HashKey = :hash AND FullPath BETWEEN :start AND :end",
      ExpressionAttributeValues: {
        ":hash": { S: HASH_KEY },
        ":start": { S: KEY_PREFIX + bounds.start },
        ":end": { S: KEY_PREFIX + bounds.end },
      },
      ExclusiveStartKey: after,
    });
    return this.requests.call("Query", (options) => this.client.send(query, options), { signal });
  }
}

type Bounds = KeyRange;

/** The bounds as the service can take them; undefined where nothing lies between. */
function boundsOf({ start, end }: KeyRange): Bounds | undefined {
  const bounds = { start: shorten(start, MAX_KEY_BYTES), end: end };
  if (Buffer.byteLength(end) > MAX_KEY_BYTES) {
    // The highest character: no key that fits lies behind it and before the true end.
    bounds.end = `${shorten(end, MAX_KEY_BYTES - 4)}\u{10ffff}`;
  }
  return compareKeys(start, end) < 0 ? bounds : undefined;
}

function shorten(text: string, maxBytes: number): string {
  let bytes = 0;
  let short = "";
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) {
      return short;
    }
    short += character;
  }
  return text;
}

function isWithin(row: Row, { start, end }: KeyRange): boolean {
  const key = keyOf(row);
  return key !== undefined && compareKeys(key, start) >= 0 && compareKeys(key, end) < 0;
}

/** Keys sort by their UTF-8 bytes. */
function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
