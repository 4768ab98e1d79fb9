/** Fields of stored objects that this release does not know: written by others, and not ours to lose (storage.md §5). */

type Fields = Record<string, unknown>;

/**
 * `next` with the fields of `before` that the schema does not know, at any depth; `known` is what the schema made of
 * `before`. Elements of lists keep theirs where they have not changed. What is removed takes its unknown fields along.
 */
export function withUnknownFields(next: unknown, before: unknown, known: unknown): unknown {
  if (Array.isArray(next)) {
    if (!Array.isArray(before) || !Array.isArray(known)) return next;
    return next.map((item: unknown, i) =>
      isSame(item, known[i]) ? withUnknownFields(item, before[i], known[i]) : item,
    );
  }
  if (!isFields(next) || !isFields(before) || !isFields(known)) return next;
  const fields = Object.entries(next).map(([name, value]) => [
    name,
    withUnknownFields(value, before[name], known[name]),
  ]);
  const unknown = Object.entries(before).filter(([name]) => !(name in known));
  return Object.fromEntries([...fields, ...unknown]) as Fields;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
