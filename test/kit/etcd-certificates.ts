import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";

/** Paths of PEM files for a test's etcd over TLS. */
export interface EtcdCertificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  /** A client certificate of the common name `root`, which etcd takes for its user of that name. */
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Makes an authority, a server certificate for 127.0.0.1 and localhost, and a client certificate in a folder. */
export function makeEtcdCertificates(folder: string): EtcdCertificates {
  const ca = makeEtcdAuthority(folder, "ca");
  const server = issue(folder, "server", "etcd", "subjectAltName=IP:127.0.0.1,DNS:localhost");
  const client = issue(folder, "client", "root", "extendedKeyUsage=clientAuth");
  return {
    ca,
    serverCert: server.cert,
    serverKey: server.key,
    clientCert: client.cert,
    clientKey: client.key,
  };
}

/** Makes an authority `<name>.crt` and returns that path; one of another name than `ca` is a stranger to the server. */
export function makeEtcdAuthority(folder: string, name: string): string {
  const [cert, key] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
  const extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
  openssl([
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", key, "-out", cert],
    ...extensions.flatMap((extension) => ["-addext", extension]),
  ]);
  return cert;
}

function issue(folder: string, name: string, commonName: string, extension: string) {
  const file = (suffix: string): string => path.join(folder, `${name}.${suffix}`);
  const [cert, key, request, extensions] = [file("crt"), file("key"), file("csr"), file("ext")];
  writeFileSync(extensions, `${extension}\n`);
  openssl([
    ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-subj", `/CN=${commonName}`, "-keyout", key, "-out", request],
  ]);
  openssl([
    ...["x509", "-req", "-in", request, "-days", "2", "-extfile", extensions, "-out", cert],
    ...["-CA", path.join(folder, "ca.crt"), "-CAkey", path.join(folder, "ca.key"), "-CAcreateserial"],
  ]);
  return { cert, key };
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
