import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import type { Item } from "@teleport/plugin";
import { itemOf, keyOf } from "../row.js";

/** A change of one item: what it is now, or that it is gone. */
export type Change =
  { readonly type: "put"; readonly item: Item } | { readonly type: "delete"; readonly key: string };

/**
 * The change that a record tells; undefined for rows that are none of ours. What counts is whether there is an image:
 * removals by the service's sweep come under several names. An item that cannot be read counts as gone: there is none
 * that `get` would show.
 */
export function changeOf({ dynamodb }: _Record): Change | undefined {
  const key = keyOf(dynamodb?.Keys ?? {});
  if (key === undefined) {
    return undefined;
  }
  const image = dynamodb?.NewImage;
  if (!image || Object.keys(image).length === 0) {
    return { type: "delete", key };
  }
  try {
    const item = itemOf(image);
    return item && { type: "put", item };
  } catch {
    return { type: "delete", key };
  }
}

/** What a change takes in memory, roughly. */
export function sizeOf(change: Change | undefined): number {
  return 200 + (change?.type === "put" ? change.item.value.length : 0);
}
