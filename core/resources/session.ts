import type { Resource } from "./envelope.js";

/** One participant of a live session. */
export interface SessionParty {
  id: string;
  remote_addr: string;
  user: string;
  server_id: string;
  last_active: string;
}

/** A live SSH session (wire.md §4.9); lives 30 s from its last refresh. */
export interface LiveSession {
  id: string;
  namespace: string;
  parties: SessionParty[] | null;
  terminal_params: { w: number; h: number };
  login: string;
  created: string;
  last_active: string;
  /** The host that keeps the session: the node, or the proxy that records it. */
  server_id: string;
  /** Where a session that a proxy keeps runs: the UUID of a node, or `host:port`. Unknown to 4.2, which drops it. */
  target?: string;
}

/** A change to a live session. */
export interface LiveSessionUpdate {
  id: string;
  namespace: string;
  terminal_params: { w: number; h: number } | null;
  parties: SessionParty[] | null;
}

/** A web login (wire.md §5.4). Binary fields are base64. */
export type WebSession = Resource<
  "web_session",
  {
    user: string;
    pub: string;
    priv?: string;
    tls_cert: string;
    bearer_token: string;
    bearer_token_expires: string;
    expires: string;
  }
>;
