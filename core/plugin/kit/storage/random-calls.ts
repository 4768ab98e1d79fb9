import assert from "node:assert/strict";
import { errorCode, type ErrorCode } from "../../../errors/error.js";
import type { Item, NewItem, Revision, Storage } from "../../storage.js";
import { Random } from "../random.js";
import type { History, KeyState, Step } from "./history.js";
import { bytes, collect, text, type Trial } from "./trial.js";

/** A kind of call. */
export type CallKind =
  | "create"
  | "put"
  | "update"
  | "updateExpected"
  | "compareAndSwap"
  | "get"
  | "delete"
  | "deleteExpected"
  | "keepAlive"
  | "range"
  | "deleteRange";

/** How often each kind of call is made, relative to the others. */
export type CallMix = readonly (readonly [weight: number, kind: CallKind])[];

type Answer<T> = { readonly value: T } | { readonly code: ErrorCode };
type After = Step["after"];

/** Makes random calls about a few keys and writes them down with their answers. */
export class RandomCalls {
  /** What somebody has seen last: mostly current, now and then stale, as with real callers. */
  readonly #seen = new Map<string, Revision>();
  #values = 0;

  constructor(
    private readonly trial: Trial,
    private readonly history: History,
    private readonly folder: string,
    private readonly keys: readonly string[],
    private readonly mix: CallMix,
  ) {}

  /** Makes `count` calls, one after the other. Several callers may do so at once, each with numbers of its own. */
  async make(storage: Storage, count: number): Promise<void> {
    const random = new Random(this.trial.random.below(2 ** 32));
    for (let n = 0; n < count; n++) {
      await this.#call(storage, random.weighted(this.mix), this.#newItem(random), this.#expiry(random));
    }
  }

  async #call(storage: Storage, kind: CallKind, item: NewItem, expires: Date): Promise<void> {
    const { key } = item;
    const expected = this.#seen.get(key) ?? "none";
    switch (kind) {
      case "create":
        return this.#write(item, kind, storage.create.bind(storage, item), {
          may: (before) => before === undefined,
          refusals: { already_exists: (before) => before !== undefined },
        });
      case "put":
        return this.#write(item, kind, storage.put.bind(storage, item), { may: () => true, refusals: {} });
      case "update":
        return this.#write(item, kind, storage.update.bind(storage, item), {
          may: (before) => before !== undefined,
          refusals: { not_found: (before) => before === undefined },
        });
      case "updateExpected":
        return this.#write(item, `${kind} ${expected}`, () => storage.update(item, expected), {
          may: (before) => before?.revision === expected,
          refusals: {
            not_found: (before) => before === undefined,
            compare_failed: (before) => before !== undefined && before.revision !== expected,
          },
        });
      case "compareAndSwap":
        return this.#write(item, `${kind} ${expected}`, () => storage.compareAndSwap(item, expected), {
          may: (before) => before?.revision === expected,
          refusals: { compare_failed: (before) => before?.revision !== expected },
        });
      case "keepAlive":
        return this.#keepAlive(storage, key, expires);
      case "delete":
        return this.#delete(storage, key, undefined);
      case "deleteExpected":
        return this.#delete(storage, key, expected);
      case "get":
        return this.#get(storage, key);
      case "range":
        return this.#range(storage);
      case "deleteRange":
        return this.#deleteRange(storage);
    }
  }

  async #write(
    item: NewItem,
    label: string,
    write: () => Promise<Revision>,
    rule: {
      readonly may: (before: KeyState | undefined) => boolean;
      readonly refusals: Partial<Record<ErrorCode, (before: KeyState | undefined) => boolean>>;
    },
  ): Promise<void> {
    const state = { value: text(item.value), expiresMs: item.expires?.getTime() };
    await this.#note([item.key], `${label} ${state.value}`, write, (answer) => {
      if ("value" in answer) {
        this.#seen.set(item.key, answer.value);
        return {
          wrote: answer.value,
          after: (before) => (rule.may(before) ? { ...state, revision: answer.value } : "impossible"),
        };
      }
      return { after: refusal(answer.code, rule.refusals, label) };
    });
  }

  async #keepAlive(storage: Storage, key: string, expires: Date): Promise<void> {
    await this.#note(
      [key],
      "keepAlive",
      () => storage.keepAlive(key, expires),
      (answer) => {
        if ("code" in answer) {
          return { after: refusal(answer.code, { not_found: (before) => !before }, "keepAlive") };
        }
        this.#seen.set(key, answer.value);
        return {
          wrote: answer.value,
          after: (before) =>
            before
              ? { revision: answer.value, value: before.value, expiresMs: expires.getTime() }
              : "impossible",
        };
      },
    );
  }

  async #delete(storage: Storage, key: string, expected: Revision | undefined): Promise<void> {
    const label = `delete ${expected ?? ""}`;
    const remove = () => (expected === undefined ? storage.delete(key) : storage.delete(key, expected));
    await this.#note([key], label, remove, (answer) => ({
      ...("value" in answer && expected !== undefined && { removed: expected }),
      after:
        "value" in answer
          ? (before) =>
              before && (expected === undefined || before.revision === expected) ? undefined : "impossible"
          : refusal(
              answer.code,
              {
                not_found: (before) => before === undefined,
                ...(expected !== undefined && {
                  compare_failed: (before: KeyState | undefined) =>
                    before !== undefined && before.revision !== expected,
                }),
              },
              label,
            ),
    }));
  }

  async #get(storage: Storage, key: string): Promise<void> {
    await this.#note(
      [key],
      "get",
      () => storage.get(key),
      (answer) =>
        "value" in answer
          ? { after: this.#reads(key, answer.value) }
          : { after: refusal(answer.code, { not_found: (before) => before === undefined }, "get") },
    );
  }

  async #range(storage: Storage): Promise<void> {
    const range = { start: `${this.folder}/`, end: `${this.folder}0` };
    await this.#note(
      this.keys,
      "range",
      () => collect(storage, range),
      (answer, key) => ({
        after: this.#reads(
          key,
          succeeded(answer, "range").find((item) => item.key === key),
        ),
      }),
    );
  }

  /** What one delete of a range does to a key: it is gone afterwards. How many there were is known to nobody here. */
  async #deleteRange(storage: Storage): Promise<void> {
    const range = { start: `${this.folder}/`, end: `${this.folder}0` };
    await this.#note(
      this.keys,
      "deleteRange",
      () => storage.deleteRange(range),
      (answer) => {
        const count = succeeded(answer, "deleteRange");
        assert.ok(count >= 0 && count <= this.keys.length, `deleteRange counted ${count}`);
        return { after: () => undefined };
      },
    );
  }

  #reads(key: string, item: Item | undefined): After {
    if (item) {
      this.#seen.set(key, item.revision);
    }
    return (before) => (this.#isState(before, item) ? before : "impossible");
  }

  async #note<T>(
    keys: readonly string[],
    label: string,
    call: () => Promise<T>,
    effect: (answer: Answer<T>, key: string) => Pick<Step, "wrote" | "removed" | "after">,
  ): Promise<void> {
    const called = this.history.tick();
    const answer: Answer<T> = await call().then(
      (value) => ({ value }),
      (error: unknown) => ({ code: errorCode(error) }),
    );
    const answered = this.history.tick();
    for (const key of keys) {
      const noted = effect(answer, key);
      const said = "code" in answer ? answer.code : (noted.wrote ?? "ok");
      this.history.steps.push({ ...noted, key, label: `${label} → ${said}`, called, answered });
    }
  }

  #newItem(random: Random): NewItem {
    const key = random.pick(this.keys);
    const value = bytes(`v${++this.#values}`);
    return random.below(3) === 0 ? { key, value, expires: this.#expiry(random) } : { key, value };
  }

  /** A whole second that does not come during a case. */
  #expiry(random: Random): Date {
    return this.trial.later(1 + random.below(48));
  }

  #isState(state: KeyState | undefined, item: Item | undefined): boolean {
    if (state === undefined || item === undefined) {
      return state === item;
    }
    return (
      state.revision === item.revision &&
      state.value === text(item.value) &&
      this.trial.isExpiry(item.expires, state.expiresMs)
    );
  }
}

function refusal(
  code: ErrorCode,
  refusals: Partial<Record<ErrorCode, (before: KeyState | undefined) => boolean>>,
  label: string,
): After {
  const fits = refusals[code];
  assert.ok(fits, `${label} was answered with ${code}`);
  return (before) => (fits(before) ? before : "impossible");
}

function succeeded<T>(answer: Answer<T>, label: string): T {
  assert.ok("value" in answer, `${label} was answered with ${"code" in answer ? answer.code : ""}`);
  return answer.value;
}
