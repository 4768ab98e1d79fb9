import { create } from "@bufbuild/protobuf";
import { notImplemented } from "../../errors/error.js";
import type { Lock } from "../../resources/lock.js";
import type { WatchEvent } from "./api.js";
import { EventSchema, Operation, type Event } from "./messages/gen/auth_pb.js";
import { LockSchema } from "./messages/gen/services_pb.js";
import { fromCertAuthority, toCertAuthority } from "./messages/authority.js";
import {
  fromClusterConfig,
  fromClusterName,
  fromNamespace,
  toClusterConfig,
  toClusterName,
  toNamespace,
} from "./messages/cluster.js";
import { fromRole, toRole } from "./messages/role.js";
import { fromServer, toServer } from "./messages/server.js";
import { fromUser, toUser } from "./messages/user.js";

type Changed = Extract<WatchEvent, { type: "put" }>["resource"];

/** A change as a message. `init` is the empty message. */
export function toEvent(event: WatchEvent): Event {
  switch (event.type) {
    case "init":
      return create(EventSchema, { type: Operation.INIT });
    case "put":
      return create(EventSchema, { type: Operation.PUT, resource: toResource(event.resource) });
    case "delete":
      return create(EventSchema, {
        type: Operation.DELETE,
        resource: {
          case: "header",
          value: {
            kind: event.kind,
            subKind: event.subKind,
            version: "v2",
            metadata: { name: event.name, namespace: "default" },
          },
        },
      });
  }
}

/** A change from a message; undefined where it carries a resource that no watcher of ours asks for. */
export function fromEvent(message: Event): WatchEvent | undefined {
  const { type, resource } = message;
  if (type === Operation.INIT) return { type: "init" };
  if (type === Operation.PUT) {
    const changed = fromResource(resource);
    return changed && { type: "put", resource: changed };
  }
  if (type === Operation.DELETE && resource.case === "header") {
    const { kind, subKind, metadata } = resource.value;
    return { type: "delete", kind, subKind, name: metadata?.name ?? "" };
  }
  return undefined;
}

function toResource(resource: Changed): Event["resource"] {
  switch (resource.kind) {
    case "cert_authority":
      return { case: "certAuthority", value: toCertAuthority(resource) };
    case "cluster_name":
      return { case: "clusterName", value: toClusterName(resource) };
    case "cluster_config":
      return { case: "clusterConfig", value: toClusterConfig(resource) };
    case "user":
      return { case: "user", value: toUser(resource) };
    case "role":
      return { case: "role", value: toRole(resource) };
    case "lock":
      return { case: "lock", value: create(LockSchema, { json: JSON.stringify(resource) }) };
    case "namespace":
      return { case: "namespace", value: toNamespace(resource) };
    case "node":
    case "proxy":
    case "auth_server":
      return { case: "server", value: toServer(resource) };
    default:
      throw notImplemented(`cannot send changes of '${(resource as Changed).kind}'`);
  }
}

function fromResource(resource: Event["resource"]): Changed | undefined {
  switch (resource.case) {
    case "certAuthority":
      return fromCertAuthority(resource.value);
    case "clusterName":
      return fromClusterName(resource.value);
    case "clusterConfig":
      return fromClusterConfig(resource.value);
    case "user":
      return fromUser(resource.value);
    case "role":
      return fromRole(resource.value);
    case "lock":
      return JSON.parse(resource.value.json) as Lock;
    case "namespace":
      return fromNamespace(resource.value);
    case "server":
      return fromServer(resource.value);
    case "header":
    case undefined:
      return undefined;
  }
}
