import { formatKeyLine } from "../../pki/ssh-key.js";
import { promptLine } from "../prompt.js";
import { terminalText } from "../terminal-text.js";

/** Asks whether an unknown host key is to be trusted. Without a terminal the answer is no. */
export async function confirmHostKey(host: string, key: Buffer): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  process.stderr.write(
    `The authenticity of host '${terminalText(host)}' can't be established. Its public key is:\n${formatKeyLine(key)}`,
  );
  const answer = await promptLine("Are you sure you want to continue (yes/no)? ");
  return answer.trim().toLowerCase() === "yes";
}
