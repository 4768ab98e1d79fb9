import type { ScpTransfer } from "./scp-command.js";

/** What a client asked to be run. */
export type Program =
  | { readonly kind: "shell" }
  | { readonly kind: "exec"; readonly command: string; readonly scp: ScpTransfer | undefined }
  | { readonly kind: "subsystem"; readonly name: string };
