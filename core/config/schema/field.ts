import { z } from "zod";
import { errorMessage } from "../../errors/error.js";
import { parseAddress } from "../../grammar/address.js";
import { parseBoolean } from "../../grammar/boolean.js";
import { parseDuration } from "../../grammar/duration.js";
import { checkHostName } from "../../grammar/host-name.js";

/** A text that `parse` turns into a value; what `parse` throws becomes the problem's message. */
export function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: "custom", message: errorMessage(error), input: text });
      return z.NEVER;
    }
  });
}

/** One of a few words, in any letter case where `words` are lower case; `message` gets the word that was refused. */
export function choice<const W extends string>(words: readonly W[], message: (word: string) => string) {
  return parsed((text): W => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    if (word === undefined) throw new Error(message(text));
    return word;
  });
}

/** One item, or a list of them. */
export function oneOrMany<S extends z.ZodType>(item: S) {
  return z.preprocess((value) => (Array.isArray(value) ? (value as unknown[]) : [value]), z.array(item));
}

/** Any text. */
export const text = z.string();

/** A bool-ish word. */
export const boolean = parsed(parseBoolean);

/** A duration that is not negative, in milliseconds; `never` is 0. */
export const duration = parsed((value) => {
  const ms = parseDuration(value);
  if (ms < 0) throw new Error(`duration '${value}' must not be negative`);
  return ms;
});

/** A whole number that is not negative. */
export const count = z.number().int().min(0);

/** `host[:port]`; `:port` alone means every IPv4 address of this machine. */
export function address(defaultPort: number) {
  return parsed((value) => parseAddress(/^:\d+$/.test(value) ? `0.0.0.0${value}` : value, defaultPort));
}

/** Addresses that others use to reach a service. */
export function publicAddresses(defaultPort: number) {
  return oneOrMany(
    parsed((value) => {
      const address = parseAddress(value, defaultPort);
      checkHostName(address.host, "the host");
      return address;
    }),
  );
}

/** A `proxy_protocol` switch. */
export const onOrOff = parsed((value): boolean => {
  if (value === "on") return true;
  if (value === "off") return false;
  throw new Error(`bad "proxy_protocol" parameter value: "${value}", supported values are on or off`);
});
