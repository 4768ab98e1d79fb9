import { randomBytes } from "node:crypto";
import { generateRsaKeyPair, privateKeyPem } from "../pki/keys.js";
import { sshPublicLine } from "../pki/ssh-key.js";
import type { Clock } from "../plugin/clock.js";
import { formatTime } from "../resources/rfc3339.js";
import type { WebSession } from "../resources/session.js";
import type { WebSessionStore } from "../resources/web-sessions.js";
import { toBase64 } from "./base64.js";
import type { UserCertificates } from "./user-certificates.js";

const BEARER_TTL_MS = 10 * 60_000;

/** Makes web sessions. */
export interface WebLoginSessions {
  /** A new session with a key and certificates of its own, stored (features.md §6.5). */
  open(username: string): Promise<WebSession>;
}

/** Web sessions kept in a store. */
export function createWebLoginSessions(context: {
  readonly webSessions: WebSessionStore;
  readonly certificates: UserCertificates;
  readonly clock: Clock;
}): WebLoginSessions {
  const { webSessions, certificates, clock } = context;
  return {
    async open(username) {
      const { publicKey, privateKey } = await generateRsaKeyPair();
      const issued = await certificates.issue({
        username,
        publicKey: sshPublicLine(publicKey),
        ttlMs: 0,
        format: "",
        routeToCluster: "",
      });
      const bearerExpires = new Date(clock.now().getTime() + BEARER_TTL_MS);
      const session: WebSession = {
        kind: "web_session",
        version: "v2",
        metadata: { name: randomBytes(16).toString("hex") },
        spec: {
          user: username,
          pub: toBase64(issued.ssh),
          priv: toBase64(privateKeyPem(privateKey)),
          tls_cert: toBase64(issued.tls),
          bearer_token: randomBytes(16).toString("hex"),
          bearer_token_expires: formatTime(bearerExpires),
          expires: formatTime(issued.expires),
        },
      };
      await webSessions.put(session);
      return session;
    },
  };
}
