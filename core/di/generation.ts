import "reflect-metadata";
import { container, type DependencyContainer } from "tsyringe";
import type { Provider } from "./provider.js";
import { orderProviders } from "./graph.js";
import type { Token } from "./token.js";

/**
 * One generation of the daemon: a container of its own, filled from a list of providers.
 *
 * Instances are built one after the other in the order of their dependencies and closed in reverse. A generation that
 * cannot be built closes what it had built and throws the cause; nothing of it stays behind.
 */
export class Generation {
  readonly #container: DependencyContainer = container.createChildContainer();
  readonly #built: Provider[] = [];
  #closing: Promise<void> | undefined;

  /** Builds a generation. Throws `internal` for a faulty graph, else whatever a provider threw. */
  static async build(providers: readonly Provider[]): Promise<Generation> {
    const ordered = orderProviders(providers);
    const generation = new Generation();
    try {
      for (const provider of ordered) await generation.#add(provider);
    } catch (error) {
      await generation.close();
      throw error;
    }
    return generation;
  }

  /** The instance behind a token. For the composition root only: everything else receives what it needs. */
  get<T>(token: Token<T>): T {
    return this.#container.resolve<T>(token.key);
  }

  /** Asks every instance to finish its work, the last built first. */
  async drain(): Promise<void> {
    for (const provider of [...this.#built].reverse()) {
      await provider.drain?.(this.get(provider.token));
    }
  }

  /** Closes every instance, the last built first, also when one of them fails. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #add(provider: Provider): Promise<void> {
    const dependencies = Object.fromEntries(
      Object.entries(provider.needs).map(([name, need]) => [name, this.get(need)]),
    );
    const instance = await provider.create(dependencies);
    // A factory rather than a value: tsyringe takes the value `undefined` for no registration at all.
    this.#container.register(provider.token.key, { useFactory: () => instance });
    this.#built.push(provider);
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const provider of [...this.#built].reverse()) {
      try {
        await provider.close?.(this.get(provider.token));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "some services did not close cleanly");
  }
}
