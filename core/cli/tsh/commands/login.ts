import { type Command, Option } from "commander";
import { badParameter, hasCode, notFound } from "../../../errors/error.js";
import { parseAddress } from "../../../grammar/address.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { withAuth } from "../auth-client.js";
import { chosenProfile, noProxy, openClient, openState, type TshState } from "../client.js";
import { hasExpired } from "../credentials.js";
import { readGlobalFlags, type GlobalFlags } from "../global-flags.js";
import { fromCertAuthorities } from "../host-authorities.js";
import { decideLogin } from "../login-decision.js";
import { performLogin } from "../login-flow.js";
import { writeLogin, type LoginFormat } from "../login-files.js";
import type { Profile } from "../profile.js";
import { parseProxyFlag } from "../proxy-address.js";
import { loginRequest } from "../relogin.js";
import { loginOf, statusReport } from "../status-report.js";
import { storeLogin } from "../store-login.js";

interface LoginFlags {
  readonly out?: string;
  readonly format: LoginFormat;
  readonly bindAddr?: string;
  readonly browser?: string;
}

/** `tsh login`: prints who is logged in, changes the cluster, or logs in anew (features.md §3.3). */
export function configure(command: Command): void {
  command
    .argument("[cluster]", "cluster to go to")
    .option("-o, --out <file>", "write the login to an identity file instead of the profile")
    .addOption(
      new Option("--format <format>", "format of the identity file")
        .choices(["file", "openssh"])
        .default("file"),
    )
    // Logins in a browser come with connectors; scripts of later releases pass these flags to local logins, too.
    .option(
      "--bind-addr <address>",
      "address for the answer of a login in the browser (TELEPORT_LOGIN_BIND_ADDR)",
    )
    .option("--browser <browser>", "none prints the address of a login in the browser instead of opening it")
    .action(async (cluster: string | undefined, { out, format }: LoginFlags) => {
      const flags = readGlobalFlags(command);
      const { bindAddr = process.env["TELEPORT_LOGIN_BIND_ADDR"], browser } = command.opts<LoginFlags>();
      if (bindAddr) parseAddress(bindAddr, 0);
      if (browser !== undefined && browser !== "none") {
        throw badParameter(`invalid --browser '${browser}': the only value is none`);
      }
      if (flags.identity !== undefined) throw badParameter("-i flag cannot be used here");
      await login(flags, cluster, out === undefined ? undefined : { path: out, format });
    });
  withExamples(
    command,
    "tsh login --proxy=proxy.example.com --user=alice",
    "tsh login --proxy=proxy.example.com:443 --ttl=60      # for an hour",
    "tsh login leaf.example.com                            # go to another cluster",
    "tsh login --proxy=proxy.example.com --out=alice.pem   # for use with tsh -i alice.pem",
  );
}

async function login(
  flags: GlobalFlags,
  cluster: string | undefined,
  out: { path: string; format: LoginFormat } | undefined,
): Promise<void> {
  const state = openState();
  const profile = chosenProfile(flags, state.profiles);
  if (profile === undefined) throw noProxy();
  const action = decideLogin({
    valid: validLogin(state),
    proxyHost: flags.proxy === undefined ? undefined : profile.web.host,
    user: flags.user,
    cluster,
    toFile: out !== undefined,
  });
  if (action === "reissue") await reissue(state, flags, cluster ?? "");
  if (action === "login") {
    const typed = flags.proxy === undefined ? undefined : parseProxyFlag(flags.proxy);
    const request = loginRequest(flags, profile);
    const result = await performLogin({
      ...request,
      cluster: cluster ?? request.cluster,
      proxy: { ...request.proxy, sshPort: typed?.sshPort },
    });
    if (out !== undefined) {
      writeLogin(out.path, out.format, result);
      await printToStdout(`\nThe certificate has been written to ${out.path}\n`);
      return;
    }
    await storeLogin(state, result, typed?.host ?? profile.web.host, flags.agent);
    if (flags.agent === "only") {
      await printToStdout("The key and its certificate are in the SSH agent only: use ssh, which asks it.\n");
      return;
    }
  }
  await printToStdout(statusReport(state, new Date()));
}

/** The login of the current profile, unless it has expired. */
function validLogin(state: TshState): { proxyHost: string; user: string; cluster: string } | undefined {
  const current = state.profiles.current();
  const login = current && loginOf(state, current);
  if (!login || hasExpired(login.credentials, new Date())) return undefined;
  const { profile, credentials } = login;
  return {
    proxyHost: profile.web.host,
    user: profile.user,
    cluster: profile.cluster || credentials.rootCluster,
  };
}

/** A certificate with the same expiry that leads to another cluster; the authority of its hosts comes with it. */
async function reissue(state: TshState, flags: GlobalFlags, cluster: string): Promise<void> {
  const { cluster: _environment, ...rest } = flags;
  const opened = await openClient(rest);
  const { profile, credentials } = opened;
  const client = { ...opened, cluster: credentials.rootCluster };
  const key = state.keys.load(profile.web.host, profile.user);
  if (key === undefined) throw noProxy();
  const result = await withAuth(client, async (api) => {
    try {
      await api.getCertAuthority("host", cluster);
    } catch (error) {
      throw hasCode(error, "not_found") ? notFound(`cluster ${cluster} not found`) : error;
    }
    const certificates = await api.generateUserCerts({
      publicKey: key.publicKeyLine,
      username: credentials.user,
      expires: credentials.certificate.validBefore ?? new Date(Date.now() + flags.ttlMs),
      routeToCluster: cluster,
    });
    return { certificates, authorities: fromCertAuthorities(await api.getCertAuthorities("host")) };
  });
  const renewed = {
    ...key,
    certificateLine: result.certificates.ssh,
    tlsCertificatePem: result.certificates.tls,
  };
  const changed: Profile = { ...profile, cluster };
  await storeLogin(
    state,
    { profile: changed, key: renewed, authorities: result.authorities },
    profile.web.host,
    flags.agent,
  );
}
