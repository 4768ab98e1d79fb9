import { unavailable } from "@teleport/plugin";

/** Lets writes through, or holds them back while those that are under way end. */
export class WriteGate {
  /** On whose behalf it is closed: one that lets go does not open it for the others. */
  readonly #holders = new Set<string>();
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
  async close(holder: string): Promise<void> {
    if (this.#ended) return;
    this.#holders.add(holder);
    this.#opened ??= new Promise((resolve) => (this.#open = resolve));
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Admits writes again, first those that wait, where nobody else holds them back. */
  open(holder: string): void {
    this.#holders.delete(holder);
    if (this.#holders.size > 0) return;
    this.#opened = undefined;
    this.#open();
  }

  /** Refuses every further write with `unavailable`, those that wait too. */
  end(): void {
    this.#ended = true;
    this.#holders.clear();
    this.#opened = undefined;
    this.#open();
  }
}
