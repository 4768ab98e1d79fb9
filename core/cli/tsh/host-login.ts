/** Logging in to an SSH server, a proxy or a node, once it has proven who it is. */
import type { Duplex } from "node:stream";
import { accessDenied, CodedError, errorMessage, hasCode } from "../../errors/error.js";
import { connectSsh } from "../../ssh/client.js";
import type { SshConnection } from "../../ssh/contract.js";
import type { PresentedHost } from "../../ssh/host-verification.js";
import { createSigner } from "../../ssh/signer.js";
import type { Credentials } from "./credentials.js";
import { checkHost, type ExpectedHost } from "./host-check.js";
import { confirmHostKey } from "./host-prompt.js";

/** The host did not take the login. */
export class LoginRefused extends CodedError {
  constructor(message: string, cause: unknown) {
    super("access_denied", message, { cause });
  }
}

/** A connection that has died is noticed after three of these. */
const KEEP_ALIVE_INTERVAL_MS = 60_000;

/** A host to log in to. */
export interface HostLogin extends ExpectedHost {
  /** Opens a stream to it; called again where the user had to be asked in between. */
  readonly open: () => Promise<Duplex>;
  readonly login: string;
  readonly credentials: Credentials;
  /** False accepts any host key: the user's `StrictHostKeyChecking=no`. */
  readonly strict?: boolean;
  /** False refuses an unknown host without a question: an identity file is for machines. */
  readonly mayAsk: boolean;
}

/**
 * Logs in to a host after it has proven who it is. An unknown host is put before the user where there is a terminal.
 * Throws {@link LoginRefused}, `access_denied` where the host is refused, `unavailable` where the connection fails.
 */
export async function logInToHost(options: HostLogin): Promise<SshConnection> {
  const { credentials, host, strict = true } = options;
  const signer = createSigner(credentials.privateKey, credentials.certificate.blob);
  for (;;) {
    let refusal: Error | undefined;
    let unknownKey: Buffer | undefined;
    const verifyHost = (presented: PresentedHost): void => {
      try {
        if (!strict || checkHost(presented, options) === "trusted") return;
        unknownKey = presented.publicBlob;
        throw accessDenied("none of the authorities that this login knows vouches for it; log in again");
      } catch (cause) {
        refusal = accessDenied(
          `${host} has not proven that it is the host you mean: ${errorMessage(cause)}`,
          {
            cause,
          },
        );
        throw refusal;
      }
    };
    try {
      return await connectSsh({
        stream: await options.open(),
        user: options.login,
        signers: () => Promise.resolve([signer]),
        verifyHost,
        limits: { keepAliveIntervalMs: KEEP_ALIVE_INTERVAL_MS },
      });
    } catch (error) {
      if (refusal === undefined) {
        throw hasCode(error, "access_denied") ? new LoginRefused(errorMessage(error), error) : error;
      }
      if (unknownKey === undefined || !options.mayAsk || !(await confirmHostKey(host, unknownKey)))
        throw refusal;
      options.trust.trustHostKey(host, unknownKey);
    }
  }
}
