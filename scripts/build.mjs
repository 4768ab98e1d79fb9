/**
 * Compiles all TypeScript into dist/, and bundles the programs, the plugin contract and the built-in plugins into
 * dist/bin/. They are bundled together, so that a daemon holds each shared module once, plugins' ones too.
 */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { buildStamp, STAMP_FILE } from "./build-stamp.mjs";
import { mustRun, root } from "./run.mjs";

/** Packages with native parts, or that find files beside themselves: they stay outside the bundle. */
const EXTERNAL = [
  ...["ssh2", "better-sqlite3", "bcrypt", "@lydell/node-pty*", "cpu-features", "koffi"],
  // etcd3 reads its .proto files, and must share @grpc/grpc-js with the plugin.
  ...["etcd3", "@grpc/grpc-js"],
];
/** Each entry of dist/bin, and the source it is made of. */
const ENTRIES = {
  "teleport": "core/bin/teleport.ts",
  "tctl": "core/bin/tctl.ts",
  "tsh": "core/bin/tsh.ts",
  // Beside the chunk that starts it.
  "chunks/pam-session": "core/node/pam/pam-session.ts",
  "chunks/socket-opener": "core/node/socket-opener.ts",
  "chunks/crash-writer": "core/process/storage-test/crash-writer.ts",
  "plugin": "core/plugin/index.ts",
  "plugins/backend-dir": "plugins/backend-dir/index.ts",
  "plugins/writer-worker": "plugins/backend-dir/writer-worker.ts",
  "plugins/backend-etcd": "plugins/backend-etcd/index.ts",
  "plugins/backend-dynamo": "plugins/backend-dynamo/index.ts",
  "plugins/tls-files": "plugins/tls-files/index.ts",
  "plugins/audit-file": "plugins/audit-file/index.ts",
  "plugins/audit-stdout": "plugins/audit-stdout/index.ts",
  "plugins/recording-file": "plugins/recording-file/index.ts",
};

const dist = path.join(root, "dist");
// Taken first: what changes during the build is built the next time.
const stamp = buildStamp();
if (process.argv.includes("--clean")) rmSync(dist, { recursive: true, force: true });
mustRun(process.execPath, [path.join(root, "node_modules/typescript7/bin/tsc"), "-p", root]);

rmSync(path.join(dist, "bin"), { recursive: true, force: true });
await build({
  entryPoints: Object.fromEntries(
    Object.entries(ENTRIES).map(([name, file]) => [name, path.join(root, file)]),
  ),
  outdir: path.join(dist, "bin"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: EXTERNAL,
  alias: { "@teleport/plugin": path.join(root, "core/plugin/index.ts") },
  keepNames: true,
  minifyWhitespace: true,
  sourcemap: "linked",
  logLevel: "warning",
  chunkNames: "chunks/[name]-[hash]",
  // CommonJS packages inside an ES module bundle still call require.
  banner: {
    js: `import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);`,
  },
});
writeFileSync(STAMP_FILE, stamp);
