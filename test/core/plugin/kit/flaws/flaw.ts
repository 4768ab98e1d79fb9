import type { Clock, Storage, StorageEvent } from "@teleport/plugin";

/** A defect that a backend might have. */
export interface Flaw {
  readonly name: string;
  /** Which case of the kit must find it. */
  readonly caughtBy: RegExp;
  /** Methods that replace those of a correct storage; called once for each handle. */
  readonly spoil: (good: Storage, clock: Clock) => Partial<Storage>;
}

/** A storage that is correct but for one flaw. */
export function flawedStorage(flaw: Flaw, good: Storage, clock: Clock): Storage {
  const spoiled = flaw.spoil(good, clock);
  return new Proxy(good, {
    get(target, name) {
      const member: unknown = Reflect.get(name in spoiled ? spoiled : target, name);
      return typeof member === "function"
        ? (member.bind(name in spoiled ? spoiled : target) as unknown)
        : member;
    },
  });
}

/** The events that are kept. */
export async function* filtered(
  events: AsyncIterable<StorageEvent>,
  keep: (event: StorageEvent) => boolean,
): AsyncIterable<StorageEvent> {
  for await (const event of events) {
    if (keep(event)) yield event;
  }
}

/** The same events, each changed. */
export async function* changed(
  events: AsyncIterable<StorageEvent>,
  change: (event: StorageEvent) => StorageEvent | Promise<StorageEvent>,
): AsyncIterable<StorageEvent> {
  for await (const event of events) {
    yield await change(event);
  }
}
