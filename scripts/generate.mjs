/**
 * Regenerates the protobuf code in core/auth/client/messages/gen from the .proto files beside it. The generators are
 * fetched for this call only: their result is committed, and nothing else needs them.
 */
import { mustRun } from "./run.mjs";

const GENERATORS = ["@bufbuild/buf@1.75.0", "@bufbuild/protoc-gen-es@2.13.0"];
const TEMPLATE = "core/auth/client/messages/buf.gen.yaml";

const packages = GENERATORS.map((name) => `--package=${name}`);
mustRun("npx", ["--yes", ...packages, "--", "buf", "generate", "--template", TEMPLATE]);
