/** A name for a thing that the container holds, with the thing's type: token and type are one value. */
export interface Token<T> {
  /** Dotted path shown in errors, such as `plugin.storage`. */
  readonly name: string;
  readonly key: symbol;
  /** Only carries the type; never set. */
  readonly type?: T;
}

/** Makes a token. Every call makes a new one, also for the same name. */
export function token<T>(name: string): Token<T> {
  return { name, key: Symbol(name) };
}
