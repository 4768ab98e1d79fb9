/** One login through PAM: admitted, opened and, whatever happens, closed again. Every call blocks. */
import { accessDenied, unavailable } from "../../errors/error.js";
import { loadPamLibrary, PAM, type PamHandle, type PamLibrary } from "./pam-library.js";

/** Who logs in, and from where. */
export interface PamLogin {
  /** A file of /etc/pam.d. */
  readonly service: string;
  /** The OS account. */
  readonly login: string;
  /** The cluster user, `PAM_RUSER`. */
  readonly user: string;
  /** The client's IP address, `PAM_RHOST`. */
  readonly remoteHost: string;
  /** Path of the terminal; `PAM_TTY` is `ssh` without one, as sshd sets it. */
  readonly terminal: string | undefined;
  /** Variables that modules see. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What a module has said. */
export interface PamMessage {
  readonly isError: boolean;
  readonly text: string;
}

/** A transaction with libpam; {@link end} it on every path. */
export class PamTransaction {
  /** What modules have said so far. */
  readonly messages: PamMessage[] = [];
  readonly #library: PamLibrary;
  readonly #handle: PamHandle;
  #last: number = PAM.SUCCESS;
  #established = false;
  #opened = false;
  #prompted = false;

  /** Throws `unavailable` where PAM cannot be started. */
  constructor(login: PamLogin) {
    this.#library = loadPamLibrary();
    this.#handle = this.#library.start(login.service, login.login, (style, text) => this.#hear(style, text));
    const set = (code: number): void => this.#expect(code, "be set up");
    set(this.#library.setItem(this.#handle, PAM.RHOST, login.remoteHost));
    set(this.#library.setItem(this.#handle, PAM.RUSER, login.user));
    set(this.#library.setItem(this.#handle, PAM.TTY, login.terminal ?? "ssh"));
    for (const [name, value] of Object.entries(login.variables)) {
      set(this.#library.putenv(this.#handle, `${name}=${value}`));
    }
  }

  /** Runs the `auth` modules, which get no answers. Throws `access_denied`. */
  authenticate(): void {
    this.#admit(this.#library.authenticate(this.#handle, 0));
  }

  /** Runs the `account` modules. Throws `access_denied` with what PAM says, such as that the account has expired. */
  checkAccount(): void {
    this.#admit(this.#library.acctMgmt(this.#handle, 0));
  }

  /** Establishes credentials and runs the `session` modules. Throws `access_denied`. */
  openSession(): void {
    this.#admit(this.#library.setcred(this.#handle, PAM.ESTABLISH_CRED));
    this.#established = true;
    this.#admit(this.#library.openSession(this.#handle, 0));
    this.#opened = true;
  }

  /** The variables for the program. */
  environment(): Map<string, string> {
    const entries = this.#library.getenvlist(this.#handle).map((line): [string, string] => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    });
    return new Map(entries.filter(([name]) => name !== ""));
  }

  /** Closes what was opened. Returns what PAM could not do, for the log. Call it once. */
  end(): string[] {
    const problems: string[] = [];
    const attempt = (what: string, code: number): void => {
      if (code === PAM.SUCCESS) return;
      this.#last = code;
      problems.push(`PAM could not ${what}: ${this.#library.strerror(this.#handle, code)}`);
    };
    if (this.#opened) attempt("close the session", this.#library.closeSession(this.#handle, 0));
    if (this.#established) {
      attempt("delete credentials", this.#library.setcred(this.#handle, PAM.DELETE_CRED));
    }
    this.#library.end(this.#handle, this.#last);
    return problems;
  }

  #hear(style: number, text: string): boolean {
    if (style === PAM.ERROR_MSG || style === PAM.TEXT_INFO) {
      this.messages.push({ isError: style === PAM.ERROR_MSG, text });
      return true;
    }
    this.#prompted = true;
    return false;
  }

  #admit(code: number): void {
    this.#last = code;
    if (code === PAM.SUCCESS) return;
    const reasons = [
      this.#library.strerror(this.#handle, code),
      ...this.messages.map(({ text }) => text),
      ...(this.#prompted ? ["a module asks a question, which this service does not put to users"] : []),
    ];
    throw accessDenied(`PAM does not admit this login: ${reasons.map(oneLine).join("; ")}`);
  }

  #expect(code: number, what: string): void {
    if (code !== PAM.SUCCESS) {
      throw unavailable(`PAM cannot ${what}: ${this.#library.strerror(this.#handle, code)}`);
    }
  }
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ");
}
