/** Time-based one-time passwords (RFC 6238): SHA-1, 6 digits, 30 s, one step of skew either way. */
import { createGuardrails, generateSecret, generateURI, verifySync } from "otplib";

const PERIOD_S = 30;
/** 4.2 made secrets of 10 bytes, which the library takes for too short. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 10 });

/** A new secret: 20 random bytes in base32. */
export function newTotpSecret(): string {
  return generateSecret({ length: 20 });
}

/** The `otpauth://` address behind the QR code. */
export function totpUri(secret: string, account: string): string {
  return generateURI({ issuer: "Teleport", label: account, secret });
}

/** The time step that a code belongs to; undefined where it is not valid now. */
export function matchTotp(secret: string, code: string, now: Date): number | undefined {
  // The library throws for a code of another form and, strictly like 4.2, for a secret that is not base32.
  if (!/^[0-9]{6}$/.test(code) || !/^[A-Z2-7]+=*$/.test(secret)) {
    return undefined;
  }
  const epoch = Math.floor(now.getTime() / 1000);
  const result = verifySync({ secret, token: code, epoch, epochTolerance: PERIOD_S, guardrails });
  return result.valid && "timeStep" in result ? result.timeStep : undefined;
}
