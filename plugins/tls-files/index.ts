/** `tls.files`: the proxy's certificate from two PEM files, or a self-signed one where none are named. */
import { isAbsolute } from "node:path";
import { definePlugin, z } from "@teleport/plugin";
import { filePairProvider } from "./file-pair.js";
import { selfSignedProvider } from "./self-signed.js";
import { createTlsSource } from "./source.js";

const path = z.string().refine(isAbsolute, "must be an absolute path");

export default definePlugin({
  id: "tls.files",
  kind: "tls",
  apiVersion: "^1.0.0",
  schema: z
    .strictObject({ key_file: path.optional(), cert_file: path.optional() })
    .refine((keys) => (keys.key_file === undefined) === (keys.cert_file === undefined), {
      message: "key_file and cert_file must be given together",
    }),
  create({ key_file: keyFile, cert_file: certFile }, { clock, log, dataDir, hostname }) {
    const provider =
      keyFile === undefined || certFile === undefined
        ? selfSignedProvider({ dataDir, hostname, clock, log })
        : filePairProvider({ keyFile, certFile, clock, log });
    const source = createTlsSource({ provider, clock, log });
    return { product: source, start: () => source.start(), close: () => source.close() };
  },
});
