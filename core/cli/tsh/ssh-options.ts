/** The OpenSSH options that `tsh ssh -o` takes (features.md §3.5). */
import { badParameter } from "../../errors/error.js";

/** Options that have an effect here; absent ones were not given. */
export interface SshOptions {
  readonly addKeysToAgent?: boolean;
  /** `local` forwards an agent that holds the login of tsh alone. */
  readonly forwardAgent?: boolean | "local";
  /** Asks for a terminal also where there is a command. */
  readonly requestTty?: boolean;
  readonly strictHostKeyChecking?: boolean;
  readonly forwardX11?: boolean;
  readonly forwardX11Trusted?: boolean;
  readonly exitOnForwardFailure?: boolean;
  readonly streamLocalBindUnlink?: boolean;
}

const YES_NO = { yes: true, no: false } as const;

/** Keys with an effect, in lower case, and the values that each takes. */
const HONOURED: Readonly<
  Record<string, readonly [field: keyof SshOptions, values: Readonly<Record<string, boolean | "local">>]>
> = {
  addkeystoagent: ["addKeysToAgent", { yes: true }],
  forwardagent: ["forwardAgent", { ...YES_NO, local: "local" }],
  requesttty: ["requestTty", YES_NO],
  stricthostkeychecking: ["strictHostKeyChecking", YES_NO],
  forwardx11: ["forwardX11", YES_NO],
  forwardx11trusted: ["forwardX11Trusted", YES_NO],
  exitonforwardfailure: ["exitOnForwardFailure", YES_NO],
  streamlocalbindunlink: ["streamLocalBindUnlink", YES_NO],
};

/** Keys of ssh_config(5) without an effect here. */
const KNOWN = new Set(
  [
    "AddressFamily BatchMode BindAddress BindInterface CanonicalDomains CanonicalizeFallbackLocal",
    "CanonicalizeHostname CanonicalizeMaxDots CanonicalizePermittedCNAMEs CASignatureAlgorithms CertificateFile",
    "ChallengeResponseAuthentication CheckHostIP Ciphers ClearAllForwardings Compression ConnectionAttempts",
    "ConnectTimeout ControlMaster ControlPath ControlPersist DynamicForward EnableEscapeCommandline EnableSSHKeysign",
    "EscapeChar FingerprintHash ForkAfterAuthentication ForwardX11Timeout",
    "GatewayPorts GlobalKnownHostsFile GSSAPIAuthentication GSSAPIDelegateCredentials HashKnownHosts",
    "Host HostbasedAcceptedAlgorithms HostbasedAuthentication HostbasedKeyTypes HostKeyAlgorithms HostKeyAlias",
    "HostName IdentitiesOnly IdentityAgent IdentityFile IgnoreUnknown Include IPQoS KbdInteractiveAuthentication",
    "KbdInteractiveDevices KexAlgorithms KnownHostsCommand LocalCommand LocalForward LogLevel LogVerbose MACs Match",
    "NoHostAuthenticationForLocalhost NumberOfPasswordPrompts PasswordAuthentication PermitLocalCommand",
    "PermitRemoteOpen PKCS11Provider Port PreferredAuthentications Protocol ProxyCommand ProxyJump ProxyUseFdpass",
    "PubkeyAcceptedAlgorithms PubkeyAcceptedKeyTypes PubkeyAuthentication RekeyLimit RemoteCommand RemoteForward",
    "RequiredRSASize RevokedHostKeys SecurityKeyProvider SendEnv ServerAliveCountMax ServerAliveInterval SessionType",
    "SetEnv StdinNull StreamLocalBindMask SyslogFacility TCPKeepAlive Tunnel TunnelDevice",
    "UpdateHostKeys UsePrivilegedPort User UserKnownHostsFile VerifyHostKeyDNS VisualHostKey XAuthLocation",
  ].flatMap((line) => line.toLowerCase().split(" ")),
);

/**
 * Reads options of the form `Key=Value` or `Key Value`; keys in any letter case. `warn` is told of those without an
 * effect. Throws `bad_parameter` for unknown keys and values.
 */
export function parseSshOptions(options: readonly string[], warn: (message: string) => void): SshOptions {
  let result: SshOptions = {};
  for (const option of options) {
    const [, key, value] = /^\s*([^\s=]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(option) ?? [];
    if (key === undefined || value === undefined) {
      throw badParameter(`invalid option '${option}', expected Key=Value or 'Key Value'`);
    }
    const [field, values] = HONOURED[key.toLowerCase()] ?? [];
    if (field !== undefined && values !== undefined) {
      if (!Object.hasOwn(values, value)) throw badParameter(`unsupported option value: ${value}`);
      result = { ...result, [field]: values[value] };
    } else if (KNOWN.has(key.toLowerCase())) {
      warn(`WARNING: Option '${key}' is not supported.`);
    } else {
      throw badParameter(`unsupported option key: ${key}`);
    }
  }
  return result;
}
