/** Regenerates the protobuf code in core/auth/client/messages/gen from the .proto files beside it. */
import path from "node:path";
import { mustRun, root } from "./run.mjs";

mustRun(path.join(root, "node_modules/.bin/buf"), [
  "generate",
  "--template",
  "core/auth/client/messages/buf.gen.yaml",
]);
