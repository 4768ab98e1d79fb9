import { z } from "zod";
import { createCodec, type Codec } from "./codec.js";
import { KEPT_KINDS, type KeptKind, type KeptResource } from "./kept.js";
import { metadata, omitEmpty } from "./schema-fields.js";

/** The one version that 4.2 reads of each kind. */
const VERSIONS: Readonly<Record<KeptKind, string>> = {
  trusted_cluster: "v2",
  remote_cluster: "v3",
  tunnel: "v2",
  github: "v3",
  oidc: "v2",
  saml: "v2",
  access_request: "v3",
};

/** Secrets inside of `spec`: 4.2 leaves just these out where they are not asked for. */
const SECRETS: Partial<Record<KeptKind, readonly (readonly string[])[]>> = {
  github: [["client_secret"]],
  oidc: [["client_secret"]],
  saml: [["signing_key_pair", "private_key"]],
};

const content = z.record(z.string(), z.unknown()).optional();

/** How resources of a kept kind are stored: the envelope is checked, everything inside is left as it is. */
export function keptCodec(kind: KeptKind): Codec<KeptResource> {
  return createCodec<KeptResource>(
    kind.replace("_", " "),
    z
      .looseObject({
        kind: z.literal(kind),
        sub_kind: omitEmpty(z.string()),
        version: z.literal(VERSIONS[kind]).default(VERSIONS[kind]),
        metadata: metadata.loose(),
        spec: content,
        status: content,
      })
      .refine(({ spec, status }) => (kind === "remote_cluster" ? (status ?? spec) : spec) !== undefined, {
        path: ["spec"],
        message: "must not be empty",
      }),
  );
}

/** A copy without the secrets of other systems. */
export function withoutKeptSecrets(resource: KeptResource): KeptResource {
  const spec = structuredClone(resource.spec);
  for (const path of SECRETS[resource.kind] ?? []) remove(spec, path);
  return { ...resource, spec };
}

/** Whether a text is one of the kept kinds. */
export function isKeptKind(kind: string): kind is KeptKind {
  return (KEPT_KINDS as readonly string[]).includes(kind);
}

function remove(fields: unknown, [name = "", ...rest]: readonly string[]): void {
  if (typeof fields !== "object" || fields === null) return;
  const object = fields as Record<string, unknown>;
  if (rest.length === 0) delete object[name];
  else remove(object[name], rest);
}
