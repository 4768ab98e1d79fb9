/** The output formats of commands that list something. */
import { Option, type Command } from "commander";
import { stringify } from "yaml";

/** `names` prints one name to a line, for scripts. */
export type ListFormat = "text" | "json" | "yaml" | "names";

/** Adds `--format`; `names` where the things listed have names. */
export function addFormatFlag(command: Command, formats: readonly ListFormat[]): void {
  const flag = new Option("-f, --format <format>", "format of the output").choices([...formats]);
  command.addOption(flag.default("text"));
}

/** What a list is in each format. */
export interface Listing {
  readonly text: () => string;
  readonly data: () => unknown;
  readonly names?: () => readonly string[];
}

/** The output in a format; ends with a newline unless it is empty. */
export function formatListing(format: ListFormat, { text, data, names }: Listing): string {
  switch (format) {
    case "text":
      return text();
    case "json":
      return `${JSON.stringify(data(), null, 2)}\n`;
    case "yaml":
      return stringify(data());
    case "names":
      return (names?.() ?? []).map((name) => `${name}\n`).join("");
  }
}
