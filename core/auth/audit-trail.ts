import type { PendingAuditEvent } from "../audit/catalogue.js";
import type { AuditPage, AuditQuery } from "../plugin/audit.js";

/** What the auth service needs of an audit log. */
export interface AuditTrail {
  /** Returns when the event is durable under the cluster's policy, or throws. */
  emit(event: PendingAuditEvent): Promise<void>;
  search(query: AuditQuery): Promise<AuditPage>;
}
