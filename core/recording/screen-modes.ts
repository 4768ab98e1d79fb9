/** The modes of a terminal that outlive a cleared screen: what output must be preceded by to look as it did. */

/** DEC private modes that change how output is shown: reverse video, origin, wrapping, cursor. */
const SHOWN_MODES = new Set(["5", "6", "7", "25"]);
/** DEC private modes that switch to the alternate screen. */
const ALTERNATE_MODES = new Set(["47", "1047", "1049"]);
/** So many attributes are held before they are taken apart. */
const RECENT_LIMIT = 256;

/** Follows the modes through a session's sequences. */
export class ScreenModes {
  /** By mode, whether it is set. Modes never touched have their defaults. */
  readonly #modes = new Map<string, boolean>();
  /** By attribute (`fg`, `bg`, or the SGR code that sets it), its SGR parameters. */
  readonly #attributes = new Map<string, string>();
  /** Attributes set since then, taken apart when they are asked for: programs set them for every few letters. */
  #recent: string[] = [];
  #alternate: string | undefined;
  #margins = "";
  #charset = "";

  /** Whether the alternate screen is shown. */
  get isAlternate(): boolean {
    return this.#alternate !== undefined;
  }

  /** Takes a CSI or escape sequence. */
  apply(sequence: string): void {
    if (sequence.endsWith("m")) {
      this.#addAttributes(sequence);
      return;
    }
    if (sequence === "\u001bc") this.#reset();
    else if (/^\u001b\([0-9A-Za-z]$/.test(sequence)) this.#charset = sequence;
    const [, marker = "", parameters = "", final] = /^\u001b\[([?]?)([\d;:]*)([hlr])$/.exec(sequence) ?? [];
    if (final === "r" && marker === "") this.#margins = /^\d+;\d+$/.test(parameters) ? sequence : "\u001b[r";
    else if (final === "h" || final === "l") this.#applyModes(marker, parameters, final === "h");
  }

  /** The sequences that bring a terminal which has been reset, or one with older modes of this session, to these modes. */
  toString(): string {
    this.#applyRecent();
    const modes = [...this.#modes].map(([mode, isSet]) => `\u001b[${mode}${isSet ? "h" : "l"}`).join("");
    const attributes = ["0", ...this.#attributes.values()].join(";");
    const alternate = this.#alternate === undefined ? "" : `\u001b[?${this.#alternate}h`;
    return `${alternate}${modes}${this.#charset}${this.#margins}\u001b[${attributes}m`;
  }

  #reset(): void {
    for (const mode of this.#modes.keys()) this.#modes.set(mode, mode === "?7" || mode === "?25");
    this.#clearAttributes();
    this.#alternate = undefined;
    this.#margins = "\u001b[r";
    this.#charset = "\u001b(B";
  }

  #applyModes(marker: string, parameters: string, isSet: boolean): void {
    for (const mode of parameters.split(";")) {
      if (marker === "?" && ALTERNATE_MODES.has(mode)) this.#alternate = isSet ? mode : undefined;
      else if (marker === "?" && SHOWN_MODES.has(mode)) this.#modes.set(`?${mode}`, isSet);
      else if (marker === "" && mode === "4") this.#modes.set("4", isSet);
    }
  }

  #addAttributes(sequence: string): void {
    if (sequence === "\u001b[m" || sequence === "\u001b[0m") this.#clearAttributes();
    else if (this.#recent.push(sequence) >= RECENT_LIMIT) this.#applyRecent();
  }

  #clearAttributes(): void {
    this.#attributes.clear();
    this.#recent = [];
  }

  #applyRecent(): void {
    for (const sequence of this.#recent) {
      const [, parameters] = /^\u001b\[([\d;:]*)m$/.exec(sequence) ?? [];
      if (parameters !== undefined) this.#applyAttributes(parameters);
    }
    this.#recent = [];
  }

  #applyAttributes(parameters: string): void {
    const codes = parameters.split(";");
    for (let i = 0; i < codes.length; i++) {
      const code = Number(codes[i]?.split(":")[0]);
      // `38;5;n` and `38;2;r;g;b` are one colour; with colons they come as one parameter.
      const extended = (code === 38 || code === 48) && !codes[i]?.includes(":");
      const length = extended ? (codes[i + 1] === "2" ? 5 : 3) : 1;
      this.#applyAttribute(
        code,
        codes
          .slice(i, i + length)
          .join(";")
          .slice(0, 24),
      );
      i += length - 1;
    }
  }

  #applyAttribute(code: number, parameters: string): void {
    if (code === 0) this.#attributes.clear();
    else if (code <= 9) this.#attributes.set(String(code), parameters);
    else if (code === 22) for (const intensity of ["1", "2"]) this.#attributes.delete(intensity);
    else if (code > 22 && code < 30) this.#attributes.delete(String(code - 20));
    else if (code === 39) this.#attributes.delete("fg");
    else if (code === 49) this.#attributes.delete("bg");
    else if ((code >= 30 && code <= 38) || (code >= 90 && code <= 97)) this.#attributes.set("fg", parameters);
    else if ((code >= 40 && code <= 48) || (code >= 100 && code <= 107))
      this.#attributes.set("bg", parameters);
  }
}
