/** A place in one shard. */
export type Place =
  /** Behind a record. */
  | { readonly at: "sequence"; readonly sequence: string }
  /** Before the first record, whose number the shard's description gives. */
  | { readonly at: "first"; readonly sequence: string }
  /** Before the first record that still exists: for a shard that was found in the moment it began. */
  | { readonly at: "start" }
  /**
   * Where the shard ended when it was looked at. Until its first record comes, only an iterator knows the place, for 15
   * minutes; it is renewed as long as none comes. Without one the shard has not been looked at yet.
   */
  | { readonly at: "iterator"; iterator: string | undefined }
  /** Behind the last record of a closed shard whose children are not known yet. */
  | { readonly at: "ended" };

/** A position in the stream: a place in each shard that has more to give, now or through its children. */
export type Position = Map<string, Place>;

/** A step of the stream, in an order in which parents come before children. */
export type Step<C> =
  | {
      readonly type: "change";
      readonly shard: string;
      readonly sequence: string;
      readonly change: C | undefined;
    }
  | { readonly type: "ended"; readonly shard: string }
  | { readonly type: "split"; readonly shard: string; readonly children: readonly string[] }
  /** A shard that has no known parent. */
  | { readonly type: "found"; readonly shard: string };

/**
 * Moves a position over a step. False where the position is behind that step already, so that it must not be told
 * again: a shard that the position does not have any more is one whose children it is in.
 */
export function advance(position: Position, step: Step<unknown>): boolean {
  if (step.type === "found") {
    const isNew = !position.has(step.shard);
    if (isNew) {
      position.set(step.shard, { at: "start" });
    }
    return isNew;
  }
  const place = position.get(step.shard);
  if (!place) {
    return false;
  }
  switch (step.type) {
    case "change":
      if (place.at === "ended" || (place.at === "sequence" && !isBefore(place.sequence, step.sequence))) {
        return false;
      }
      position.set(step.shard, { at: "sequence", sequence: step.sequence });
      return true;
    case "ended":
      position.set(step.shard, { at: "ended" });
      return true;
    case "split":
      position.delete(step.shard);
      step.children.forEach((child) => position.set(child, { at: "start" }));
      return true;
  }
}

/**
 * Whether everything behind `position` is also behind `base`. `parents` gives each shard's parent. An iterator says
 * nothing about its place, so it is at or behind another one only where it is the same object.
 */
export function isAtOrBehind(
  position: Position,
  base: Position,
  parents: ReadonlyMap<string, string>,
): boolean {
  const passed = new Set<string>();
  for (const shard of position.keys()) {
    for (let up = parents.get(shard); up !== undefined && !passed.has(up); up = parents.get(up)) {
      passed.add(up);
    }
  }
  return [...base].every(([shard, from]) => {
    const place = position.get(shard);
    return place ? isPlaceAtOrBehind(place, from) : passed.has(shard);
  });
}

function isPlaceAtOrBehind(place: Place, from: Place): boolean {
  if (place === from || place.at === "ended" || from.at === "start" || from.at === "first") {
    return true;
  }
  return place.at === "sequence" && from.at === "sequence" && !isBefore(place.sequence, from.sequence);
}

/** Sequence numbers of one shard grow. */
function isBefore(a: string, b: string): boolean {
  return BigInt(a) < BigInt(b);
}
