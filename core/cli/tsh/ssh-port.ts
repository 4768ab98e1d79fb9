import { badParameter } from "../../errors/error.js";

/** Reads a port of the command line. Throws `bad_parameter`. */
export function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port === 0 || port > 65535) throw badParameter(`invalid port '${text}'`);
  return port;
}
