/** What `ssh_service.pam` says, and whether this host can do it. */
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { expandTemplate } from "../../access/template.js";
import { badParameter, errorMessage, unavailable } from "../../errors/error.js";
import { PAM_SESSION } from "./pam-guard.js";

/** How logins pass through PAM. */
export interface PamSettings {
  /** A file of /etc/pam.d. */
  readonly service: string;
  /** Variables for modules; values may hold traits, `{{external.email}}`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the `auth` modules run too. They get no answers to their questions. */
  readonly authenticate: boolean;
}

/** Where Linux-PAM looks for services (pam.conf(5)). */
const DIRECTORIES = ["/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"];
const CHECK_MS = 30_000;

/**
 * Makes sure that sessions can pass through PAM. Throws `bad_parameter` naming the key that is wrong, `unavailable`
 * naming what the host lacks.
 */
export async function checkPam(settings: PamSettings): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw unavailable(
      "PAM needs a daemon that runs as root; set ssh_service.pam.enabled: no or run it as root",
    );
  }
  for (const [name, value] of Object.entries(settings.environment)) {
    try {
      expandTemplate(value, {});
    } catch (error) {
      throw badParameter(`ssh_service.pam.environment.${name}: ${errorMessage(error)}`);
    }
  }
  await findService(settings.service);
  await loadLibrary();
}

async function findService(service: string): Promise<void> {
  const plain = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(service);
  const found = await Promise.all(
    plain ? DIRECTORIES.map((directory) => exists(`${directory}/${service}`)) : [],
  );
  if (found.includes(true)) return;
  throw badParameter(
    `ssh_service.pam.service_name: there is no PAM service ${JSON.stringify(service)}; create /etc/pam.d/${plain ? service : "<name>"} or name another`,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function loadLibrary(): Promise<void> {
  const [node, ...args] = PAM_SESSION as [string, ...string[]];
  try {
    await promisify(execFile)(node, [...args, "--check"], { timeout: CHECK_MS, env: {}, cwd: "/" });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const said = stderr?.trim().split("\n")[0];
    throw unavailable(said === undefined || said === "" ? "PAM cannot be loaded on this host" : said, {
      cause: error,
    });
  }
}
