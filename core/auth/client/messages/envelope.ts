import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Metadata, Resource } from "../../../resources/envelope.js";
import type { Metadata as MetadataMessage, MetadataSchema } from "./gen/services_pb.js";
import { fromTimestamp, toTimestamp } from "./timestamp.js";

/** What every resource message has around its spec. */
export interface EnvelopeMessage {
  kind: string;
  subKind: string;
  version: string;
  metadata?: MetadataMessage | undefined;
}

/** The envelope of a resource for a message. The namespace is in no JSON form but must be sent here. */
export function toEnvelope(resource: Omit<Resource<string, unknown>, "spec">): {
  kind: string;
  subKind: string;
  version: string;
  metadata: MessageInitShape<typeof MetadataSchema>;
} {
  const { name, description, labels, expires } = resource.metadata;
  return {
    kind: resource.kind,
    subKind: resource.sub_kind ?? "",
    version: resource.version,
    metadata: {
      name,
      namespace: "default",
      description: description ?? "",
      labels: { ...labels },
      ...(expires !== undefined && { expires: toTimestamp(expires) }),
    },
  };
}

/** The envelope of a message, with `kind` as the caller has checked it. */
export function fromEnvelope<K extends string>(
  message: EnvelopeMessage,
  kind: K,
): { kind: K; sub_kind?: string; version: string; metadata: Metadata } {
  return {
    kind,
    ...(message.subKind !== "" && { sub_kind: message.subKind }),
    version: message.version,
    metadata: fromMetadata(message.metadata),
  };
}

function fromMetadata(message: MetadataMessage | undefined): Metadata {
  const labels = message?.labels ?? {};
  return {
    name: message?.name ?? "",
    ...(message?.description && { description: message.description }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(message?.expires && { expires: fromTimestamp(message.expires) }),
  };
}
