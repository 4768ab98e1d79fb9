import os from "node:os";
import type { Command } from "commander";
import { printToStdout } from "../output.js";
import { ExitWith, withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";

/** Flags of `teleport configure`. */
export interface ConfigureFlags {
  readonly test?: string;
  readonly clusterName?: string;
  readonly dataDir?: string;
}

/** `teleport configure`: prints a sample configuration, or checks a file (features.md §1.4). */
export function configure(command: Command): void {
  command
    .option("--cluster-name <name>", "name of the cluster in the sample")
    .option("--data-dir <path>", "data directory in the sample (default: /var/lib/teleport)")
    .option("--test <file>", "check a configuration file and change nothing")
    .action(async (flags: ConfigureFlags) => {
      if (flags.test !== undefined) return testFile(flags.test);
      const { sampleConfig } = await import("../../config/sample.js");
      const { clusterName, dataDir } = flags;
      await printToStdout(
        sampleConfig({
          hostname: os.hostname(),
          ...(clusterName === undefined ? {} : { clusterName }),
          ...(dataDir === undefined ? {} : { dataDir }),
        }),
      );
    });
  withExamples(
    command,
    "teleport configure --cluster-name=example.com > /etc/teleport.yaml",
    "teleport configure --test /etc/teleport.yaml    # prints file:line:col of each problem, exit code 1",
  );
}

async function testFile(file: string): Promise<void> {
  const { testConfiguration } = await import("./test-configuration.js");
  const { problems, warnings } = await testConfiguration(file);
  for (const warning of warnings) process.stderr.write(`warning: ${terminalText(warning)}\n`);
  if (problems.length > 0) throw new ExitWith(1, problems.map(terminalText).join("\n"));
  await printToStdout(`${terminalText(file)} is valid\n`);
}
