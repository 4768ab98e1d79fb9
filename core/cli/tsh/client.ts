/** What a command works with: the proxy, the credentials and the trust that flags, environment and disk add up to. */
import { userInfo } from "node:os";
import { badParameter, notFound } from "../../errors/error.js";
import { longTime } from "../human-time.js";
import { offerToAgent } from "./agent.js";
import { storedTrust, trustIn, type ClusterTrust } from "./cluster-trust.js";
import { hasExpired, parseCredentials, type Credentials } from "./credentials.js";
import type { GlobalFlags } from "./global-flags.js";
import { readIdentity } from "./identity.js";
import { KeyStore } from "./key-store.js";
import { KnownHosts } from "./known-hosts.js";
import { LoginNeeded } from "./login-needed.js";
import { ProfileStore, type Profile } from "./profile.js";
import { parseProxyFlag, proxyAddresses } from "./proxy-address.js";
import { tshDirectory } from "./tsh-directory.js";

/** A user with credentials, in front of a proxy. */
export interface Client {
  readonly profile: Profile;
  /** The cluster that the command is about. */
  readonly cluster: string;
  readonly credentials: Credentials;
  readonly trust: ClusterTrust;
  /** `[user@]host:port`, in place of the proxy. */
  readonly jumphost: string | undefined;
  /** Whether the credentials come from an identity file: then nobody can log in anew. */
  readonly isIdentity: boolean;
}

/** Where the state of tsh is kept. */
export interface TshState {
  readonly profiles: ProfileStore;
  readonly keys: KeyStore;
  readonly knownHosts: KnownHosts;
}

/** Opens the tsh folder; nothing is created. */
export function openState(directory = tshDirectory()): TshState {
  return {
    profiles: new ProfileStore(directory),
    keys: new KeyStore(directory),
    knownHosts: new KnownHosts(directory),
  };
}

/**
 * The client of a command. Throws {@link LoginNeeded} where there is no login or it has expired, and `not_found` where
 * there is not even a proxy.
 */
export async function openClient(flags: GlobalFlags): Promise<Client> {
  return flags.identity === undefined ? openProfileClient(flags) : openIdentityClient(flags, flags.identity);
}

/** The profile that the flags mean; undefined where no proxy is known. */
export function chosenProfile(flags: GlobalFlags, profiles: ProfileStore): Profile | undefined {
  if (flags.proxy === undefined) return withUser(profiles.current(), flags);
  const flag = parseProxyFlag(flags.proxy);
  const stored = profiles.read(flag.host);
  if (stored === undefined) {
    return { ...proxyAddresses(flag), user: flags.user ?? userInfo().username, cluster: "" };
  }
  const web = { host: stored.web.host, port: flag.webPort ?? stored.web.port };
  const ssh = { host: stored.ssh.host, port: flag.sshPort ?? stored.ssh.port };
  return withUser({ ...stored, web, ssh }, flags);
}

/** The error where no proxy is known. */
export function noProxy(): Error {
  return notFound("not logged in, and no proxy address is given: log in with tsh login --proxy=<address>");
}

async function openProfileClient(flags: GlobalFlags): Promise<Client> {
  const { profiles, keys, knownHosts } = openState();
  const profile = chosenProfile(flags, profiles);
  if (profile === undefined) throw noProxy();
  const { host } = profile.web;
  const stored = keys.load(host, profile.user);
  if (stored === undefined) throw new LoginNeeded(`${profile.user} is not logged in`, host);
  const credentials = parseCredentials(stored);
  if (hasExpired(credentials, new Date()))
    throw new LoginNeeded(`the login of ${profile.user} has expired`, host);
  await offerToAgent(credentials, flags.agent === "no" ? "no" : "auto");
  return {
    profile,
    cluster: flags.cluster ?? (profile.cluster || credentials.rootCluster),
    credentials,
    trust: storedTrust(keys, knownHosts, host),
    jumphost: flags.jumphost,
    isIdentity: false,
  };
}

async function openIdentityClient(flags: GlobalFlags, path: string): Promise<Client> {
  const { credentials, authorities } = readIdentity(path);
  const { certificate } = credentials;
  if (certificate.validBefore !== null && hasExpired(credentials, new Date())) {
    // 4.2's words, for scripts that look for them.
    process.stderr.write(`WARNING: the certificate has expired on ${longTime(certificate.validBefore)}\n`);
  }
  if (flags.proxy === undefined && flags.jumphost === undefined) {
    throw badParameter("an identity file says nothing about the proxy: add --proxy=<address>");
  }
  const addresses = proxyAddresses(parseProxyFlag(flags.proxy ?? "localhost"));
  return {
    profile: { ...addresses, user: credentials.user, cluster: "" },
    cluster:
      flags.cluster ?? (certificate.extensions.get("teleport-route-to-cluster") || credentials.rootCluster),
    credentials,
    trust: trustIn(authorities),
    jumphost: flags.jumphost,
    isIdentity: true,
  };
}

function withUser(profile: Profile | undefined, flags: GlobalFlags): Profile | undefined {
  return profile === undefined || flags.user === undefined ? profile : { ...profile, user: flags.user };
}
