/**
 * libpam of Linux-PAM, as far as sessions take it. Its calls block, some of them on networks, and modules change the
 * process that makes them: only pam-session.ts, a process of its own for each session, may load it.
 */
import koffi, { type LibraryHandle } from "koffi";
import { errorMessage, unavailable } from "../../errors/error.js";

/** An open transaction, as libpam hands it out. */
export type PamHandle = unknown;

/** Takes one message of a module; false refuses to answer it. */
export type PamConversation = (style: number, text: string) => boolean;

/** `_pam_types.h`: what the functions return and take. */
export const PAM = {
  SUCCESS: 0,
  CONV_ERR: 19,
  PROMPT_ECHO_OFF: 1,
  PROMPT_ECHO_ON: 2,
  ERROR_MSG: 3,
  TEXT_INFO: 4,
  TTY: 3,
  RHOST: 4,
  RUSER: 8,
  ESTABLISH_CRED: 2,
  DELETE_CRED: 4,
} as const;

/** The functions of libpam(3) by their names without `pam_`; numbers are {@link PAM} codes. */
export interface PamLibrary {
  start(service: string, login: string, conversation: PamConversation): PamHandle;
  setItem(handle: PamHandle, item: number, value: string): number;
  putenv(handle: PamHandle, assignment: string): number;
  /** `NAME=value` of every variable that modules have set. */
  getenvlist(handle: PamHandle): string[];
  authenticate(handle: PamHandle, flags: number): number;
  acctMgmt(handle: PamHandle, flags: number): number;
  setcred(handle: PamHandle, flags: number): number;
  openSession(handle: PamHandle, flags: number): number;
  closeSession(handle: PamHandle, flags: number): number;
  strerror(handle: PamHandle, code: number): string;
  end(handle: PamHandle, code: number): number;
}

const FILE = "libpam.so.0";
const POINTER_BYTES = koffi.sizeof("void *");
const RESPONSE = koffi.struct({ resp: "void *", resp_retcode: "int" });
const MESSAGE = koffi.struct({ msg_style: "int", msg: "const char *" });
const CONVERSE = koffi.proto("int", [
  "int",
  koffi.pointer("void *"),
  koffi.pointer("void *"),
  koffi.pointer("void"),
]);
const CONVERSATION = koffi.struct({ conv: koffi.pointer(CONVERSE), appdata_ptr: "void *" });

/** Loads libpam. Throws `unavailable` where the host has none. */
export function loadPamLibrary(): PamLibrary {
  const handle = "void *";
  const library = open();
  const phase = (name: string): ((handle: PamHandle, flags: number) => number) =>
    library.func(name, "int", [handle, "int"]) as (handle: PamHandle, flags: number) => number;
  const start = library.func("pam_start", "int", [
    "const char *",
    "const char *",
    koffi.pointer(CONVERSATION),
    koffi.out(koffi.pointer(handle)),
  ]) as (service: string, login: string, conversation: object, out: PamHandle[]) => number;
  const getenvlist = library.func("pam_getenvlist", koffi.pointer("char *"), [handle]) as (
    handle: PamHandle,
  ) => unknown;
  return {
    start(service, login, conversation) {
      const out: PamHandle[] = [null];
      const code = start(service, login, { conv: converse(conversation), appdata_ptr: null }, out);
      if (code !== PAM.SUCCESS) throw unavailable(`PAM cannot start for the service "${service}" (${code})`);
      return out[0];
    },
    getenvlist: (pam) => readStrings(getenvlist(pam)),
    setItem: library.func("pam_set_item", "int", [handle, "int", "const char *"]) as PamLibrary["setItem"],
    putenv: library.func("pam_putenv", "int", [handle, "const char *"]) as PamLibrary["putenv"],
    strerror: library.func("pam_strerror", "const char *", [handle, "int"]) as PamLibrary["strerror"],
    authenticate: phase("pam_authenticate"),
    acctMgmt: phase("pam_acct_mgmt"),
    setcred: phase("pam_setcred"),
    openSession: phase("pam_open_session"),
    closeSession: phase("pam_close_session"),
    end: phase("pam_end"),
  };
}

function open(): LibraryHandle {
  try {
    return koffi.load(FILE);
  } catch (error) {
    throw unavailable(
      `${FILE} cannot be loaded (${errorMessage(error)}); install libpam0g or pam, or set ssh_service.pam.enabled: no`,
      { cause: error },
    );
  }
}

/** The C side of a conversation (pam_conv(3)). It stays registered as long as the process lives. */
function converse(conversation: PamConversation): bigint {
  const calloc = koffi.load(null).func("calloc", "void *", ["size_t", "size_t"]) as (
    count: number,
    size: number,
  ) => unknown;
  const answer = (count: number, messages: unknown, responses: unknown): number => {
    for (let i = 0; i < count; i++) {
      const at: unknown = koffi.decode(messages, i * POINTER_BYTES, "void *");
      const message = koffi.decode(at, MESSAGE) as { msg_style: number; msg: string | null };
      if (!conversation(message.msg_style, message.msg ?? "")) return PAM.CONV_ERR;
    }
    // libpam frees the answers, which are empty: nothing that was accepted asks for one.
    koffi.encode(responses, "void *", calloc(count, koffi.sizeof(RESPONSE)));
    return PAM.SUCCESS;
  };
  return koffi.register(answer, koffi.pointer(CONVERSE));
}

/** Reads an array of strings that ends with a null. It is never freed: the process is short-lived. */
function readStrings(list: unknown): string[] {
  const strings: string[] = [];
  if (list === null) return strings;
  for (let at = 0; ; at += POINTER_BYTES) {
    const text = koffi.decode(list, at, "char *") as string | null;
    if (text === null) return strings;
    strings.push(text);
  }
}
