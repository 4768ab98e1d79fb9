import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Role, RoleConditions, RoleOptions, Rule } from "../../../resources/role.js";
import {
  RoleV3Schema,
  type RoleConditionsSchema,
  type RoleOptionsSchema,
  type RoleConditions as ConditionsMessage,
  type RoleOptions as OptionsMessage,
  type Rule as RuleMessage,
  type RoleV3,
} from "./gen/services_pb.js";
import { fromEnvelope, toEnvelope } from "./envelope.js";
import { fromNanoseconds, toNanoseconds } from "./timestamp.js";

/** A role as a message. */
export function toRole(role: Role): RoleV3 {
  const { options, allow, deny } = role.spec;
  return create(RoleV3Schema, {
    ...toEnvelope(role),
    spec: { options: toOptions(options), allow: toConditions(allow), deny: toConditions(deny) },
  });
}

/** A role from a message. An absent `deny` denies nothing, an absent `allow` allows nothing. */
export function fromRole(message: RoleV3): Role {
  const { spec } = message;
  return {
    ...fromEnvelope(message, "role"),
    spec: {
      options: fromOptions(spec?.options),
      allow: fromConditions(spec?.allow),
      deny: fromConditions(spec?.deny),
    },
  };
}

function toOptions(options: RoleOptions): MessageInitShape<typeof RoleOptionsSchema> {
  return {
    forwardAgent: options.forward_agent ?? false,
    maxSessionTtl: toNanoseconds(options.max_session_ttl),
    ...(options.port_forwarding !== undefined && { portForwarding: { value: options.port_forwarding } }),
    certFormat: options.cert_format ?? "",
    clientIdleTimeout: toNanoseconds(options.client_idle_timeout),
    disconnectExpiredCert: options.disconnect_expired_cert ?? false,
    enhancedRecording: options.enhanced_recording ?? [],
    permitX11Forwarding: options.permit_x11_forwarding ?? false,
    maxConnections: BigInt(options.max_connections ?? 0),
    maxSessions: BigInt(options.max_sessions ?? 0),
    lock: options.lock ?? "",
  };
}

function fromOptions(message: OptionsMessage | undefined): RoleOptions {
  return {
    forward_agent: message?.forwardAgent ?? false,
    ...(message?.maxSessionTtl && { max_session_ttl: fromNanoseconds(message.maxSessionTtl) }),
    ...(message?.portForwarding && { port_forwarding: message.portForwarding.value }),
    ...(message?.certFormat && { cert_format: message.certFormat }),
    ...(message?.clientIdleTimeout && { client_idle_timeout: fromNanoseconds(message.clientIdleTimeout) }),
    ...(message?.disconnectExpiredCert && { disconnect_expired_cert: true }),
    ...(message?.enhancedRecording.length && { enhanced_recording: message.enhancedRecording }),
    ...(message?.permitX11Forwarding && { permit_x11_forwarding: true }),
    ...(message?.maxConnections && { max_connections: Number(message.maxConnections) }),
    ...(message?.maxSessions && { max_sessions: Number(message.maxSessions) }),
    // An unknown word must not weaken the role.
    ...(message?.lock && { lock: message.lock === "best_effort" ? "best_effort" : "strict" }),
  };
}

function toConditions(conditions: RoleConditions): MessageInitShape<typeof RoleConditionsSchema> {
  const labels = Object.entries(conditions.node_labels ?? {});
  return {
    logins: conditions.logins ?? [],
    namespaces: conditions.namespaces ?? [],
    nodeLabels: {
      values: Object.fromEntries(labels.map(([name, value]) => [name, { values: [value].flat() }])),
    },
    rules: (conditions.rules ?? []).map((rule) => ({
      resources: rule.resources,
      verbs: rule.verbs,
      where: rule.where ?? "",
      actions: rule.actions ?? [],
    })),
    kubernetesGroups: conditions.kubernetes_groups ?? [],
    kubernetesUsers: conditions.kubernetes_users ?? [],
    ...(conditions.request && { request: conditions.request }),
  };
}

function fromConditions(message: ConditionsMessage | undefined): RoleConditions {
  if (message === undefined) return { logins: null };
  const labels = Object.entries(message.nodeLabels?.values ?? {});
  const { logins, namespaces, rules, kubernetesGroups, kubernetesUsers, request } = message;
  return {
    logins: logins.length > 0 ? logins : null,
    ...(namespaces.length > 0 && { namespaces }),
    ...(labels.length > 0 && {
      node_labels: Object.fromEntries(labels.map(([name, { values }]) => [name, scalarOrList(values)])),
    }),
    ...(rules.length > 0 && { rules: rules.map(fromRule) }),
    ...(kubernetesGroups.length > 0 && { kubernetes_groups: kubernetesGroups }),
    ...(kubernetesUsers.length > 0 && { kubernetes_users: kubernetesUsers }),
    ...(request && { request: { roles: request.roles } }),
  };
}

function fromRule({ resources, verbs, where, actions }: RuleMessage): Rule {
  return { resources, verbs, ...(where && { where }), ...(actions.length > 0 && { actions }) };
}

/** 4.2 writes a list of one as a scalar. */
function scalarOrList(values: string[]): string | string[] {
  return values.length === 1 ? values[0]! : values;
}
