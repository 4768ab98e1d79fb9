import { runProgram } from "../cli/program.js";
import { teleportProgram } from "../cli/teleport/program.js";

await runProgram(teleportProgram, process.argv.slice(2));
