/** Regenerates the protobuf code in core/auth/api/gen from the .proto files beside it. */
import path from "node:path";
import { mustRun, root } from "./run.mjs";

mustRun(path.join(root, "node_modules/.bin/buf"), ["generate"]);
