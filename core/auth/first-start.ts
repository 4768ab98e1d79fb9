/** Makes a cluster out of an empty store, and writes the configured settings over a store that has one. */
import { randomUUID } from "node:crypto";
import { corrupt } from "../errors/error.js";
import { generateRsaKeyPair, privateKeyPem } from "../pki/keys.js";
import { sshPublicLine } from "../pki/ssh-key.js";
import { createTlsAuthority } from "../pki/x509.js";
import type { Logger } from "../plugin/logger.js";
import type { AuthorityType, CertAuthority } from "../resources/authority.js";
import { adminRole } from "./admin-role.js";
import { MIN_TOKEN_LENGTH } from "./join-tokens.js";
import { ensurePresetRoles } from "./preset-roles.js";
import type { AuthSettings } from "./settings.js";
import { toBase64 } from "./base64.js";
import type { Stores } from "./stores.js";

/** Brings the store in step with the settings and returns the cluster's name. The caller holds the cluster's lock. */
export async function prepareCluster(
  stores: Stores,
  settings: AuthSettings,
  { log, now }: { log: Logger; now: Date },
): Promise<string> {
  const clusterName = await ensureCluster(stores, settings.clusterName, { log, now });
  if (clusterName !== settings.clusterName) {
    log.warn("the configured cluster name differs from the stored one, which is kept", {
      configured: settings.clusterName,
      stored: clusterName,
    });
  }
  await ensurePresetRoles(stores.roles, stores.presets);
  const clusterId = (await stores.settings.findClusterConfig())?.spec.cluster_id || randomUUID();
  await stores.settings.putClusterConfig({
    kind: "cluster_config",
    version: "v3",
    metadata: { name: "cluster-config" },
    spec: { ...settings.clusterConfig, cluster_id: clusterId },
  });
  if (settings.staticTokens.some(({ token }) => token.length < MIN_TOKEN_LENGTH)) {
    log.warn("a static join token can be guessed: make those of auth_service.tokens longer", {
      leastCharacters: MIN_TOKEN_LENGTH,
    });
  }
  await stores.settings.putStaticTokens({
    kind: "static_tokens",
    version: "v2",
    metadata: { name: "static-tokens" },
    spec: { static_tokens: [...settings.staticTokens] },
  });
  await stores.settings.putAuthPreference({
    kind: "cluster_auth_preference",
    version: "v2",
    metadata: { name: "cluster-auth-preference" },
    spec: settings.authPreference,
  });
  await stores.namespaces.put({ kind: "namespace", version: "v2", metadata: { name: "default" }, spec: {} });
  return clusterName;
}

async function ensureCluster(
  stores: Stores,
  configuredName: string,
  { log, now }: { log: Logger; now: Date },
): Promise<string> {
  const stored = (await stores.settings.findClusterName())?.spec.cluster_name;
  if (stored !== undefined) {
    await requireAuthorities(stores, stored);
    return stored;
  }
  // The name is written last: a start that is cut off before it is simply begun again.
  for (const type of ["user", "host"] as const) {
    if ((await stores.authorities.find(type, configuredName)) === undefined) {
      await stores.authorities.create(await newAuthority(type, configuredName, now));
      log.info(`first start: generated the ${type} authority`, { cluster: configuredName });
    }
  }
  const roles = await stores.roles.list();
  if (!roles.some(({ metadata }) => metadata.name === adminRole.metadata.name)) {
    await stores.roles.create(adminRole);
  }
  const name = await stores.settings.createClusterName({
    kind: "cluster_name",
    version: "v2",
    metadata: { name: "cluster-name" },
    spec: { cluster_name: configuredName },
  });
  return name.spec.cluster_name;
}

/** New authorities in place of lost ones would lock out every host and user, so that is left to a person. */
async function requireAuthorities(stores: Stores, clusterName: string): Promise<void> {
  for (const type of ["user", "host"] as const) {
    if ((await stores.authorities.find(type, clusterName)) === undefined) {
      throw corrupt(
        `the store holds the cluster ${clusterName} but not its ${type} authority: restore the store from a backup`,
      );
    }
  }
}

async function newAuthority(type: AuthorityType, clusterName: string, now: Date): Promise<CertAuthority> {
  const [ssh, tls] = await Promise.all([generateRsaKeyPair(), generateRsaKeyPair()]);
  return {
    kind: "cert_authority",
    version: "v2",
    metadata: { name: clusterName },
    spec: {
      type,
      cluster_name: clusterName,
      checking_keys: [toBase64(sshPublicLine(ssh.publicKey))],
      signing_keys: [toBase64(privateKeyPem(ssh.privateKey))],
      tls_key_pairs: [
        {
          cert: toBase64(createTlsAuthority(clusterName, tls, now)),
          key: toBase64(privateKeyPem(tls.privateKey)),
        },
      ],
    },
  };
}
