/** Algorithm names that teleport.yaml may list. */

import { z } from "zod";
import { allNames, type AlgorithmNames } from "../../grammar/ssh-algorithms.js";
import { parsed } from "./field.js";

/** TLS cipher suites by their names in teleport.yaml, with those that OpenSSL gives them. */
export const TLS_CIPHER_SUITES: ReadonlyMap<string, string> = new Map([
  ["tls-ecdhe-rsa-with-chacha20-poly1305", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["tls-ecdhe-ecdsa-with-chacha20-poly1305", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["tls-ecdhe-rsa-with-aes-128-gcm-sha256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["tls-ecdhe-ecdsa-with-aes-128-gcm-sha256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["tls-ecdhe-rsa-with-aes-256-gcm-sha384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["tls-ecdhe-ecdsa-with-aes-256-gcm-sha384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["tls-ecdhe-rsa-with-aes-128-cbc-sha256", "ECDHE-RSA-AES128-SHA256"],
  ["tls-ecdhe-ecdsa-with-aes-128-cbc-sha256", "ECDHE-ECDSA-AES128-SHA256"],
  ["tls-ecdhe-rsa-with-aes-128-cbc-sha", "ECDHE-RSA-AES128-SHA"],
  ["tls-ecdhe-ecdsa-with-aes-128-cbc-sha", "ECDHE-ECDSA-AES128-SHA"],
  ["tls-ecdhe-rsa-with-aes-256-cbc-sha", "ECDHE-RSA-AES256-SHA"],
  ["tls-ecdhe-ecdsa-with-aes-256-cbc-sha", "ECDHE-ECDSA-AES256-SHA"],
  ["tls-rsa-with-aes-128-gcm-sha256", "AES128-GCM-SHA256"],
  ["tls-rsa-with-aes-256-gcm-sha384", "AES256-GCM-SHA384"],
  ["tls-rsa-with-aes-128-cbc-sha256", "AES128-SHA256"],
  ["tls-rsa-with-aes-128-cbc-sha", "AES128-SHA"],
  ["tls-rsa-with-aes-256-cbc-sha", "AES256-SHA"],
]);

/** A list of names out of `known`; `what` starts the message about another. */
export function algorithms(known: AlgorithmNames, what: string) {
  const names = new Set(allNames(known));
  return z
    .array(
      parsed((name) => {
        if (!names.has(name)) throw new Error(`${what} "${name}" not supported`);
        return name;
      }),
    )
    .min(1);
}

/** A list of TLS cipher suites; the output has OpenSSL's names. */
export const cipherSuites = z
  .array(
    parsed((name) => {
      const suite = TLS_CIPHER_SUITES.get(name.toLowerCase());
      if (suite === undefined) throw new Error(`cipher suite not supported: ${name}`);
      return suite;
    }),
  )
  .min(1);
