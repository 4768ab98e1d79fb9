import { z } from "zod";
import { createCodec } from "./codec.js";
import { omitEmpty } from "./schema-fields.js";
import type { U2fRegistration } from "./user.js";

/** A U2F device as it is stored (storage.md §6). Exports name its parts otherwise: see {@link U2fRegistration}. */
interface StoredU2fRegistration {
  raw: string;
  keyhandle: string;
  marshalled_pubkey: string;
}

/** The device's registration. Values are base64. */
export const u2fRegistrationCodec = createCodec<StoredU2fRegistration>(
  "U2F registration",
  z.object({ raw: z.base64(), keyhandle: z.base64(), marshalled_pubkey: z.base64() }),
);

/** How often the device was used. */
export const u2fCounterCodec = createCodec<{ counter: number }>(
  "U2F counter",
  z.object({ counter: z.int().nonnegative() }),
);

/** The device in the form of exports. */
export const u2fRegistrationSchema = omitEmpty(
  z.object({ raw: z.base64(), key_handle: z.base64(), pubkey: z.base64() }),
);

/** From an export to the store. */
export function toStoredU2f({ raw, key_handle, pubkey }: U2fRegistration): StoredU2fRegistration {
  return { raw, keyhandle: key_handle, marshalled_pubkey: pubkey };
}

/** From the store to an export. */
export function fromStoredU2f({ raw, keyhandle, marshalled_pubkey }: StoredU2fRegistration): U2fRegistration {
  return { raw, key_handle: keyhandle, pubkey: marshalled_pubkey };
}
