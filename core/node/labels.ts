/** Labels whose values are outputs of commands, run at the start and then each in its own period. */
import { formatDuration } from "../grammar/duration.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { CommandLabel } from "../resources/server.js";
import { runLabelCommand } from "./label-command.js";
import type { LabelCommand } from "./settings.js";

/** The label commands of one node. */
export interface CommandLabels {
  /** Resolves when every command has run once. */
  readonly ready: Promise<void>;
  /** Labels as heartbeats carry them; results are empty until the first run. */
  current(): Record<string, CommandLabel>;
  /** Ends the periodic runs, and the commands that run. */
  close(): void;
}

/** What label commands need. */
export interface CommandLabelOptions {
  readonly commands: readonly LabelCommand[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after a result has changed. */
  readonly onChange?: (() => void) | undefined;
}

const SHORTEST_PERIOD_MS = 1_000;

/** Starts the commands. A command that fails gives its error as the label's value, so that it is seen. */
export function startCommandLabels(options: CommandLabelOptions): CommandLabels {
  const { clock, log, onChange } = options;
  const stop = new AbortController();
  const labels = new Map<string, CommandLabel>();
  for (const { name, command, periodMs } of options.commands) {
    labels.set(name, { period: formatDuration(periodMs), command: [...command], result: "" });
  }
  const refresh = async (label: LabelCommand): Promise<void> => {
    const result = await runLabelCommand(label.command, { clock, signal: stop.signal });
    const previous = labels.get(label.name);
    if (stop.signal.aborted) return;
    if (previous === undefined || previous.result === result.text) return;
    if (result.failed) log.warn("a label command failed", { label: label.name, error: result.text });
    labels.set(label.name, { ...previous, result: result.text });
    onChange?.();
  };
  const repeat = async (label: LabelCommand): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(Math.max(label.periodMs, SHORTEST_PERIOD_MS), stop.signal);
      await refresh(label);
    }
  };
  const ready = Promise.all(options.commands.map(refresh)).then(() => undefined);
  void ready.then(() => {
    for (const label of options.commands) repeat(label).catch(() => undefined);
  });
  return {
    ready,
    current: () => Object.fromEntries(labels),
    close: () => stop.abort(),
  };
}
