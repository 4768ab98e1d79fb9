/** Compiles all TypeScript into dist/ and bundles the three programs into dist/bin/. */
import path from "node:path";
import { chmodSync, rmSync } from "node:fs";
import { build } from "esbuild";
import { mustRun, root } from "./run.mjs";

/** Packages with native parts, or that find files beside themselves: they stay outside the bundle. */
const EXTERNAL = ["ssh2", "better-sqlite3", "bcrypt", "@lydell/node-pty*", "cpu-features", "@teleport/*"];

const dist = path.join(root, "dist");
if (process.argv.includes("--clean")) rmSync(dist, { recursive: true, force: true });
mustRun(process.execPath, [path.join(root, "node_modules/typescript7/bin/tsc"), "-p", root]);

rmSync(path.join(dist, "bin"), { recursive: true, force: true });
await build({
  entryPoints: ["teleport", "tctl", "tsh"].map((name) => path.join(root, "core/bin", `${name}.ts`)),
  outdir: path.join(dist, "bin"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: EXTERNAL,
  alias: { "@teleport/plugin": path.join(root, "core/plugin/index.ts") },
  sourcemap: "linked",
  logLevel: "warning",
  chunkNames: "chunks/[name]-[hash]",
  // CommonJS packages inside an ES module bundle still call require.
  banner: {
    js: `import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);`,
  },
});
for (const name of ["teleport", "tctl", "tsh"])
  chmodSync(path.join(root, "core/launch", `${name}.js`), 0o755);
