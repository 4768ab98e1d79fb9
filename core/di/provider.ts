import type { Token } from "./token.js";

/** Named dependencies of a provider. */
export type Needs = Readonly<Record<string, Token<unknown>>>;

/** The instances that belong to named dependencies. */
export type Resolved<N extends Needs> = { readonly [K in keyof N]: N[K] extends Token<infer T> ? T : never };

/** How one thing of a generation is made, and unmade. */
export interface Provider<T = unknown, N extends Needs = Needs> {
  readonly token: Token<T>;
  readonly needs: N;
  create(dependencies: Resolved<N>): T | Promise<T>;
  /** Stops taking new work and waits for what is under way; runs before any `close`. */
  drain?(instance: T): Promise<void>;
  /** Releases everything. Must be idempotent. */
  close?(instance: T): Promise<void>;
}

/** Declares a provider; the identity function that gives `create` its types. */
export function provide<T, N extends Needs>(provider: Provider<T, N>): Provider {
  return provider;
}

/** A provider of a value that is made elsewhere. */
export function provideValue<T>(token: Token<T>, value: T): Provider {
  return provide({ token, needs: {}, create: () => value });
}
