import { stringify } from "yaml";

/**
 * Writes values as YAML documents between `---` lines, with sorted keys and in the style of 4.2's output. Text that
 * YAML 1.1 would read as something else, such as `yes` or a time, is quoted.
 */
export function yamlDocuments(values: readonly unknown[]): string {
  return values
    .map((value) =>
      stringify(value, {
        version: "1.1",
        sortMapEntries: true,
        indentSeq: false,
        lineWidth: 0,
        aliasDuplicateObjects: false,
      }),
    )
    .join("---\n");
}
