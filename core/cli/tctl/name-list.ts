/** The names of a comma-separated list, without spaces around them and without empty ones. */
export function splitNames(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
