import { create } from "@bufbuild/protobuf";
import type { ClusterConfig, ClusterName, Namespace } from "../../../resources/cluster.js";
import {
  ClusterConfigV3Schema,
  ClusterNameV2Schema,
  NamespaceSchema,
  type AuditConfig,
  type ClusterConfigV3,
  type ClusterNameV2,
  type Namespace as NamespaceMessage,
} from "./gen/services_pb.js";
import { fromEnvelope, toEnvelope } from "./envelope.js";
import { fromNanoseconds, toNanoseconds } from "./timestamp.js";

/** The cluster's name as a message. */
export function toClusterName(name: ClusterName): ClusterNameV2 {
  return create(ClusterNameV2Schema, {
    ...toEnvelope(name),
    spec: { clusterName: name.spec.cluster_name },
  });
}

/** The cluster's name from a message. */
export function fromClusterName(message: ClusterNameV2): ClusterName {
  return {
    ...fromEnvelope(message, "cluster_name"),
    spec: { cluster_name: message.spec?.clusterName ?? "" },
  };
}

/** A namespace as a message. */
export function toNamespace(namespace: Namespace): NamespaceMessage {
  return create(NamespaceSchema, { ...toEnvelope(namespace), spec: {} });
}

/** A namespace from a message. */
export function fromNamespace(message: NamespaceMessage): Namespace {
  return { ...fromEnvelope(message, "namespace"), spec: {} };
}

/** The cluster's settings as a message. */
export function toClusterConfig(config: ClusterConfig): ClusterConfigV3 {
  const { spec } = config;
  return create(ClusterConfigV3Schema, {
    ...toEnvelope(config),
    spec: {
      sessionRecording: spec.session_recording,
      sessionRecordingSync: spec.session_recording_sync ?? false,
      clusterId: spec.cluster_id,
      proxyChecksHostKeys: spec.proxy_checks_host_keys,
      audit: {
        type: spec.audit.type ?? "",
        region: spec.audit.region ?? "",
        auditSessionsUri: spec.audit.audit_sessions_uri ?? "",
        auditEventsUri: { values: [spec.audit.audit_events_uri ?? []].flat() },
      },
      clientIdleTimeout: toNanoseconds(spec.client_idle_timeout),
      disconnectExpiredCert: spec.disconnect_expired_cert,
      keepAliveInterval: toNanoseconds(spec.keep_alive_interval),
      keepAliveCountMax: BigInt(spec.keep_alive_count_max),
      localAuth: spec.local_auth,
      lockingMode: spec.locking_mode ?? "",
    },
  });
}

/** The cluster's settings from a message; what a 4.2 peer leaves out gets 4.2's default. */
export function fromClusterConfig(message: ClusterConfigV3): ClusterConfig {
  const { spec } = message;
  const recording = spec?.sessionRecording;
  return {
    ...fromEnvelope(message, "cluster_config"),
    spec: {
      session_recording: recording === "off" || recording === "proxy" ? recording : "node",
      ...(spec?.sessionRecordingSync && { session_recording_sync: true }),
      cluster_id: spec?.clusterId ?? "",
      proxy_checks_host_keys: spec?.proxyChecksHostKeys === "no" ? "no" : "yes",
      audit: fromAuditConfig(spec?.audit),
      client_idle_timeout: fromNanoseconds(spec?.clientIdleTimeout ?? 0n),
      disconnect_expired_cert: spec?.disconnectExpiredCert ?? false,
      keep_alive_interval: fromNanoseconds(spec?.keepAliveInterval ?? 0n),
      keep_alive_count_max: Number(spec?.keepAliveCountMax ?? 0n),
      local_auth: spec?.localAuth ?? true,
      // An unknown word must not weaken the cluster.
      ...(spec?.lockingMode && {
        locking_mode: spec.lockingMode === "best_effort" ? "best_effort" : "strict",
      }),
    },
  };
}

function fromAuditConfig(message: AuditConfig | undefined): ClusterConfig["spec"]["audit"] {
  const uris = message?.auditEventsUri?.values ?? [];
  return {
    ...(message?.type && { type: message.type }),
    ...(message?.region && { region: message.region }),
    ...(message?.auditSessionsUri && { audit_sessions_uri: message.auditSessionsUri }),
    ...(uris.length > 0 && { audit_events_uri: uris }),
  };
}
