import { badParameter, errorMessage } from "../errors/error.js";
import { compileValue, type RuleSubject } from "./where.js";
import { parseExpression } from "./where-syntax.js";

/** The levels that `log` takes. */
export type RuleLogLevel = "debug" | "info" | "warn" | "error";

/** Takes what the actions of a rule log. */
export type RuleLog = (level: RuleLogLevel, message: string) => void;

/** Does what a rule wants done when it decides. */
export type RuleAction = (subject: RuleSubject, log: RuleLog) => void;

const LEVELS: Readonly<Record<string, RuleLogLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
};

/**
 * Compiles an action: `log("info", "%v was read by %v", resource.metadata.name, user.metadata.name)`. An argument that
 * is not there is logged as `(unknown)`. Throws `bad_parameter`.
 */
export function compileAction(source: string): RuleAction {
  try {
    return compile(source);
  } catch (error) {
    const quoted = JSON.stringify(source.slice(0, 128));
    throw badParameter(`the action ${quoted} cannot be used: ${errorMessage(error)}`, { cause: error });
  }
}

function compile(source: string): RuleAction {
  const call = parseExpression(source);
  if (call.is !== "call" || call.name !== "log") throw badParameter("the only action is log");
  const [level, format, ...rest] = call.args;
  const known = level?.is === "text" && Object.hasOwn(LEVELS, level.value) ? LEVELS[level.value] : undefined;
  if (known === undefined) throw badParameter('log starts with "debug", "info", "warn" or "error"');
  if (format?.is !== "text") throw badParameter("the second argument of log is a text");
  const values = rest.map(compileValue);
  return (subject, log) => {
    const texts = values.map((value) => {
      try {
        const found = value(subject);
        return typeof found === "string" ? found : (JSON.stringify(found) ?? "");
      } catch {
        return "(unknown)";
      }
    });
    log(known, formatted(format.value, texts));
  };
}

/** Go's verbs `%v`, `%s`, `%q` and `%%`; arguments without a verb follow at the end. */
function formatted(format: string, texts: readonly string[]): string {
  let next = 0;
  const message = format.replace(/%([vsq%])/g, (verb, letter: string) => {
    if (letter === "%") return "%";
    const text = texts[next++];
    if (text === undefined) return verb;
    return letter === "q" ? JSON.stringify(text) : text;
  });
  return [message, ...texts.slice(next)].join(" ");
}
