import { runProgram } from "../cli/program.js";
import { tctlProgram } from "../cli/tctl/program.js";

await runProgram(tctlProgram, process.argv.slice(2));
