/** Tables as 4.2 prints them: left-aligned columns one space apart, every cell padded to its column's width. */

import { terminalText } from "./terminal-text.js";

/** Lays out a table with a line of dashes under its head. Ends with a newline. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = printable(rows);
  const widths = columnWidths([head, ...cells]);
  return lines([head, widths.map((width) => "-".repeat(width)), ...cells], widths);
}

/** Lays out rows without a head. Ends with a newline. */
export function headlessTable(rows: readonly (readonly string[])[]): string {
  const cells = printable(rows);
  return lines(cells, columnWidths(cells));
}

function printable(rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => row.map(terminalText));
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, [...cell].length)));
  return widths;
}

function lines(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  return rows
    .map((row) => widths.map((width, i) => pad(row[i] ?? "", width)).join(" "))
    .map((line) => `${line}\n`)
    .join("");
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - [...cell].length));
}
