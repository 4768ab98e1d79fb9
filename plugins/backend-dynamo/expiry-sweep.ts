import { DeleteItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { errorChain, type Clock } from "@teleport/plugin";
import { conditionFields, hasExpiredAt } from "./conditions.js";
import { ConditionFailed, type Requests } from "./requests.js";
import { nowSeconds, rowKey } from "./row.js";

const ROUND_MS = 500;
/** Rows removed in one round: the sweep takes little of the table's capacity. */
const ROWS_PER_ROUND = 20;
/** Expiries that are remembered. The service's own sweep takes what is beyond that, within two days. */
const MAX_REMEMBERED = 100_000;
/** The process that wrote a row removes it first; others come later, and find that it is done. */
const OWN_DELAY_MS = 500;
const OTHERS_DELAY_MS = 4000;
const JITTER_MS = 4000;
const AGAIN_MS = 30_000;

interface Due {
  readonly seconds: number;
  readonly atMs: number;
}

/**
 * Removes rows soon after their expiry, so that watches see it in seconds; the service itself takes up to 48 hours. It
 * never looks for them: it is told of each expiry by writes, reads and the stream. A row that was prolonged or
 * written again in between stays.
 */
export class ExpirySweep {
  readonly #due = new Map<string, Due>();

  constructor(
    private readonly client: DynamoDBClient,
    private readonly requests: Requests,
    private readonly clock: Clock,
  ) {}

  /** This process wrote an item, with an expiry in Unix seconds or without one. */
  wrote(key: string, seconds: number | undefined): void {
    this.#note(key, seconds, OWN_DELAY_MS);
  }

  /** An item was seen in the stream or in the table. What this process knows already stays as it is. */
  saw(key: string, seconds: number | undefined): void {
    if (seconds === undefined || this.#due.get(key)?.seconds !== seconds) {
      this.#note(key, seconds, OTHERS_DELAY_MS + Math.random() * JITTER_MS);
    }
  }

  /** An item is gone. */
  gone(key: string): void {
    this.#due.delete(key);
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.clock.sleep(ROUND_MS, signal).catch(() => undefined);
      if (!signal.aborted) {
        await Promise.all(this.#take().map(([key, due]) => this.#remove(key, due)));
      }
    }
  }

  #note(key: string, seconds: number | undefined, delayMs: number): void {
    if (seconds === undefined) {
      this.#due.delete(key);
    } else if (this.#due.size < MAX_REMEMBERED || this.#due.has(key)) {
      // It is there during the whole second of its expiry.
      this.#due.set(key, { seconds, atMs: (seconds + 1) * 1000 + delayMs });
    }
  }

  #take(): [string, Due][] {
    const nowMs = this.clock.now().getTime();
    const due: [string, Due][] = [];
    for (const entry of this.#due) {
      if (entry[1].atMs <= nowMs && due.push(entry) === ROWS_PER_ROUND) {
        break;
      }
    }
    due.forEach(([key]) => this.#due.delete(key));
    return due;
  }

  async #remove(key: string, { seconds }: Due): Promise<void> {
    const nowMs = this.clock.now().getTime();
    const command = new DeleteItemCommand({
      TableName: this.requests.context.table,
      Key: rowKey(key),
      ...conditionFields(hasExpiredAt(seconds, nowSeconds(nowMs))),
    });
    try {
      await this.requests.call("DeleteItem", (options) => this.client.send(command, options), { once: true });
    } catch (error) {
      if (error instanceof ConditionFailed || this.requests.closed.aborted || this.#due.has(key)) {
        return;
      }
      this.requests.context.log.debug("removing an expired item failed; trying again later", {
        key,
        error: errorChain(error),
      });
      this.#due.set(key, { seconds, atMs: nowMs + AGAIN_MS });
    }
  }
}
