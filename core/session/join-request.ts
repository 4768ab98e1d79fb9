/** What a client's variables say about the session that it wants (wire.md §3.11). */
import { badParameter } from "../errors/error.js";
import { isUuidInAnyCase } from "../grammar/uuid.js";

/** What a party may do: peers type, observers watch. */
export type JoinMode = "peer" | "observer";

/** The session that a client asks for. */
export interface SessionRequest {
  /** The id of a new session, or of a running one to join. */
  readonly id: string | undefined;
  /** Only of those who want to join and nothing else. */
  readonly mode: JoinMode | undefined;
}

const SESSION = "TELEPORT_SESSION";
const MODE = "TELEPORT_SESSION_JOIN_MODE";

/** Reads the request from the client's variables. Throws `bad_parameter`. */
export function readSessionRequest(environment: ReadonlyMap<string, string>): SessionRequest {
  const id = environment.get(SESSION);
  const mode = readMode(environment.get(MODE));
  if (id === undefined) {
    if (mode !== undefined) throw badParameter(`${MODE} says how to join, but ${SESSION} does not say what`);
    return { id, mode };
  }
  if (!isUuidInAnyCase(id)) throw badParameter("unable to update context: invalid session id");
  return { id: id.toLowerCase(), mode };
}

function readMode(text: string | undefined): JoinMode | undefined {
  if (text === undefined || text === "peer" || text === "observer") return text;
  if (text === "moderator") {
    throw badParameter("sessions have no moderators here; join as peer or observer");
  }
  throw badParameter(`"${text.slice(0, 32)}" is no way to join a session; use peer or observer`);
}
