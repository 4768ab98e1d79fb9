import type { YAMLError, YAMLWarning } from "yaml";

/** Complaints of the YAML parser that are about its own terms, in those of somebody who edits the file. */
const TEXTS: Partial<Record<YAMLError["code"], string>> = {
  BLOCK_AS_IMPLICIT_KEY: "unexpected ':', check the indentation and quote a value that holds ': '",
  BLOCK_IN_FLOW: "a list or map in brackets is not closed, or holds an indented one",
  MULTILINE_IMPLICIT_KEY: "expected 'key: value', check for a missing ':'",
  MULTIPLE_DOCS: "the file holds more than one document, remove what follows '---'",
  TAB_AS_INDENT: "tabs are not allowed as indentation, use spaces",
};

/** One line that says what the YAML parser has against a text. */
export function describeYamlError(error: YAMLError | YAMLWarning): string {
  const text = TEXTS[error.code] ?? error.message;
  return text.charAt(0).toLowerCase() + text.slice(1);
}
