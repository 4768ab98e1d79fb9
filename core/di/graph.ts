import { CodedError } from "../errors/error.js";
import type { Provider } from "./provider.js";
import type { Token } from "./token.js";

/**
 * Orders providers so that each comes after all it needs.
 *
 * Throws `internal` naming every missing, duplicate and cyclic provider by path (`proxy.web → plugin.tls → …`), before
 * anything is built: the container itself reports a cycle only by overflowing the stack.
 */
export function orderProviders(providers: readonly Provider[]): Provider[] {
  const problems: string[] = [];
  const byKey = new Map<symbol, Provider>();
  for (const provider of providers) {
    if (byKey.has(provider.token.key)) problems.push(`${provider.token.name} is provided twice`);
    byKey.set(provider.token.key, provider);
  }

  const ordered: Provider[] = [];
  const done = new Set<symbol>();
  const visit = (token: Token<unknown>, path: readonly Token<unknown>[]): void => {
    const start = path.findIndex((step) => step.key === token.key);
    const trail = [...path.slice(Math.max(start, 0)), token].map((step) => step.name).join(" → ");
    if (start >= 0) {
      problems.push(`${trail} is a cycle`);
      return;
    }
    if (done.has(token.key)) return;
    const provider = byKey.get(token.key);
    if (!provider) {
      problems.push(`nothing provides ${trail}`);
      return;
    }
    for (const need of Object.values(provider.needs)) visit(need, [...path, token]);
    if (done.has(token.key)) return;
    done.add(token.key);
    ordered.push(provider);
  };
  for (const provider of providers) visit(provider.token, []);

  if (problems.length > 0) {
    throw new CodedError("internal", `the services cannot be wired: ${[...new Set(problems)].join("; ")}`);
  }
  return ordered;
}
