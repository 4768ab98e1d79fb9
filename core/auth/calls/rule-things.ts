/** What conditions of rules may speak of in a call about a stored resource. */
import { hasCode } from "../../errors/error.js";
import type { RuleThing } from "../authorization.js";

/** A resource as it is stored, or is to be. */
export const stored = async (resource: object | Promise<object>): Promise<RuleThing[]> => [
  { resource: await resource },
];

/** Both what is there and what it is to become count: nobody takes over by a change what conditions keep from them. */
export async function changed(next: object, before: Promise<object>): Promise<RuleThing[]> {
  try {
    return [{ resource: await before }, { resource: next }];
  } catch (error) {
    // What has no possible name is not there either, and refused once it is clear that the caller may change things.
    if (hasCode(error, "not_found") || hasCode(error, "bad_parameter")) return [{ resource: next }];
    throw error;
  }
}
