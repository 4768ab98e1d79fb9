import type { IEvent, IWatchResponse } from "etcd3";
import type { Cluster } from "./cluster.js";
import { CallFailure } from "./failure.js";
import type { EtcdRange } from "./key-space.js";

/** One message of a watch. */
export interface WatchMessage {
  /** The store revision it was sent at. */
  readonly revision: number;
  readonly events: readonly IEvent[];
  /** The message is the first one: the watch is set up. */
  readonly created: boolean;
  /** More of the same revision may follow in the next message. */
  readonly fragment: boolean;
}

/**
 * What etcd says about changes of a range from a revision on, message by message, for as long as the stream lives; the
 * reader's pace is the stream's. Returns when aborted. Throws a {@link CallFailure} when the stream ends, of the kind
 * `compacted` where the changes are forgotten.
 */
export async function* watchMessages(
  cluster: Cluster,
  range: EtcdRange,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  const { stream, failed } = await cluster.openWatch();
  const stop = (): void => stream.cancel();
  signal.addEventListener("abort", stop, { once: true });
  // What comes after the reader has left interests nobody.
  stream.on("error", () => undefined);
  try {
    if (signal.aborted) return;
    stream.write({
      create_request: {
        key: range.start,
        range_end: range.end,
        start_revision: String(from),
        progress_notify: true,
        fragment: true,
      },
    });
    for await (const message of stream as AsyncIterable<WireMessage>) {
      cluster.note(message.header, "etcd");
      if (message.canceled) throw failed(cancellation(message));
      const { events, created, fragment } = message;
      yield { revision: Number(message.header.revision), events, created, fragment };
    }
    if (!signal.aborted) throw failed(new CallFailure("unknown", "etcd", "the watch has ended"));
  } catch (error) {
    if (!signal.aborted) throw error instanceof CallFailure ? error : failed(error);
  } finally {
    signal.removeEventListener("abort", stop);
    stream.cancel();
  }
}

type WireMessage = IWatchResponse & { readonly fragment: boolean };

function cancellation(message: WireMessage): CallFailure {
  if (message.compact_revision !== "0") {
    return new CallFailure("compacted", "etcd", `compacted at revision ${message.compact_revision}`);
  }
  const denied = /permission denied/.test(message.cancel_reason);
  const text = message.cancel_reason || "no reason given";
  return new CallFailure(denied ? "denied" : "unknown", "etcd", `the watch was cancelled: ${text}`);
}
