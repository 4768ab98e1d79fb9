import { runTsh } from "../cli/tsh/program.js";

await runTsh(process.argv);
