import { unavailable } from "@teleport/plugin";

/** Lets writes through, or holds them back while those that are under way end. */
export class WriteGate {
  #underWay = 0;
  #opened: Promise<void> | undefined;
  #open: () => void = () => undefined;
  #drained: (() => void)[] = [];
  #ended = false;

  /** Admits a write, at once where the gate is open. Whoever was admitted must {@link leave}. */
  async enter(): Promise<void> {
    while (this.#opened) await this.#opened;
    if (this.#ended) throw unavailable("the storage is closed");
    this.#underWay++;
  }

  /** The counterpart of {@link enter}. */
  leave(): void {
    this.#underWay--;
    if (this.#underWay === 0) for (const drained of this.#drained.splice(0)) drained();
  }

  /** Holds back every new write, and resolves when none is under way. May be called again while it is closed. */
  async close(): Promise<void> {
    this.#opened ??= new Promise((resolve) => (this.#open = resolve));
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Admits writes again, first those that wait. */
  open(): void {
    this.#opened = undefined;
    this.#open();
  }

  /** Refuses every further write with `unavailable`, those that wait too. */
  end(): void {
    this.#ended = true;
    this.open();
  }
}
