import { Option, type Command } from "commander";
import { badParameter } from "../../errors/error.js";
import { generateRsaKeyPair, privateKeyPem } from "../../pki/keys.js";
import { sshPublicLine } from "../../pki/ssh-key.js";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { withAuth, type TctlContext } from "./context.js";
import { writeSecretFile } from "./secret-file.js";
import { identityFiles, opensshFiles, parseIdentityFormat } from "./signed-files.js";
import { parseTtl } from "./ttl.js";

/** Flags of `tctl auth sign`. */
export interface SignFlags {
  readonly user?: string;
  /** Comma separated principals. */
  readonly host?: string;
  readonly out?: string;
  readonly format: string;
  readonly ttl: string;
  readonly compat?: string;
}

/** `tctl auth sign` (features.md §2.4 and §7.4). */
export function configure(command: Command): void {
  command
    .addOption(new Option("--user <name>", "user to make an identity for").conflicts("host"))
    .option("--host <names>", "names of a host to make a certificate for, comma separated")
    .option("-o, --out <file>", "file to write; an existing one is replaced")
    .option("--format <format>", "file, openssh or tls", "file")
    .option("--ttl <duration>", "how long a user's certificates are good for", "12h")
    .option("--compat <format>", "oldssh leaves out what OpenSSH before 7.4 refuses (default: standard)")
    .action((flags: SignFlags, command: Command) => withAuth(command, (context) => sign(context, flags)));
  withExamples(
    command,
    "tctl auth sign --user=joe --out=joe.pem                               # for tctl -i and tsh -i",
    "tctl auth sign --user=jenkins --format=openssh --out=jenkins --ttl=24h   # for ssh -i jenkins",
    "tctl auth sign --host=db1.example.com,db1 --format=openssh --out=/etc/ssh/db1",
  );
}

/** Makes a key, has it certified and writes both. */
export async function sign(context: TctlContext, flags: SignFlags): Promise<void> {
  if (flags.user !== undefined) return signUser(context, flags.user, flags);
  if (flags.host !== undefined) return signHost(context, flags.host, flags);
  throw badParameter("--user or --host must be specified");
}

async function signUser({ api, print, clock }: TctlContext, user: string, flags: SignFlags): Promise<void> {
  const format = parseIdentityFormat(flags.format);
  const ttlMs = parseTtl(flags.ttl);
  if (!flags.out) throw badParameter("identity location is not specified");
  const key = await generateRsaKeyPair();
  const { ssh, tls } = await api.generateUserCerts({
    publicKey: sshPublicLine(key.publicKey),
    username: user,
    expires: new Date(clock.now().getTime() + ttlMs),
    ...(flags.compat === undefined ? {} : { format: flags.compat }),
  });
  const files = identityFiles(flags.out, format, {
    keyPem: privateKeyPem(key.privateKey),
    sshCertificate: ssh,
    tlsCertificatePem: tls,
    hostAuthorities: await api.getCertAuthorities("host"),
  });
  for (const [path, content] of files) await writeSecretFile(path, content);
  await print(`\nThe certificate has been written to ${terminalText(flags.out)}\n`);
}

async function signHost({ api, print }: TctlContext, names: string, flags: SignFlags): Promise<void> {
  if (flags.format !== "openssh") {
    throw badParameter(`invalid --format flag "${flags.format}", only "openssh" is supported`);
  }
  const principals = names.split(",").map((name) => name.trim());
  const [first] = principals;
  if (!first || principals.includes("")) throw badParameter(`--host=${names} holds an empty name`);
  const key = await generateRsaKeyPair();
  const certificate = await api.generateHostCert({
    key: Buffer.from(sshPublicLine(key.publicKey)).toString("base64"),
    hostname: "",
    node_name: "",
    principals,
    auth_domain: await api.getDomainName(),
    roles: ["Node"],
    ttl: 0,
  });
  for (const [path, content] of opensshFiles(
    flags.out ?? first,
    privateKeyPem(key.privateKey),
    certificate,
  )) {
    await writeSecretFile(path, content);
  }
  if (flags.out) await print(`\nThe certificate has been written to ${terminalText(flags.out)}\n`);
}
