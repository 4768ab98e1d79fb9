import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { readRevision, type Row } from "./row.js";

/** A condition of a write, in the terms of the SDK. */
export interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, AttributeValue>>;
}

const LIVE = "attribute_exists(FullPath) AND (attribute_not_exists(Expires) OR Expires >= :now)";

/** No live item has the key; an expired one that still stands there does not count. */
export function isAbsent(nowSeconds: number): Condition {
  return { expression: "attribute_not_exists(FullPath) OR Expires < :now", values: now(nowSeconds) };
}

/** A live item has the key. */
export function isLive(nowSeconds: number): Condition {
  return { expression: LIVE, values: now(nowSeconds) };
}

/**
 * A live item has the key and this revision. For items that 4.2 wrote, `row` is the row as it was read and had the
 * revision; absent, nothing matches.
 */
export function isLiveAt(revision: string, row: Row | undefined, nowSeconds: number): Condition {
  const expected = readRevision(revision);
  if (expected.by === "tag") {
    const expires = { N: expected.expires };
    return {
      expression: `${LIVE} AND Revision = :tag AND ${same("Expires", expected.expires && expires)}`,
      values: {
        ...now(nowSeconds),
        ":tag": { S: expected.tag },
        ...(expected.expires && { ":Expires": expires }),
      },
    };
  }
  const parts = ["ID", "Expires", "Value"] as const;
  return {
    expression: [
      `${LIVE} AND attribute_not_exists(Revision)`,
      ...parts.map((part) => same(part, row?.[part])),
    ].join(" AND "),
    names: { "#Value": "Value" },
    values: {
      ...now(nowSeconds),
      ...Object.fromEntries(parts.flatMap((part) => (row?.[part] ? [[`:${part}`, row[part]]] : []))),
    },
  };
}

/** The row has expired, and has this expiry still. */
export function hasExpiredAt(seconds: number, nowSeconds: number): Condition {
  return {
    expression: "Expires = :seen AND Expires < :now",
    values: { ...now(nowSeconds), ":seen": { N: String(seconds) } },
  };
}

/** The fields of a request that carry a condition; a row that stands against it comes back with the failure. */
export function conditionFields(condition: Condition, more: Readonly<Record<string, AttributeValue>> = {}) {
  const values = { ...condition.values, ...more };
  return {
    ConditionExpression: condition.expression,
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
    ...(condition.names && { ExpressionAttributeNames: condition.names as Record<string, string> }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

function now(seconds: number): Record<string, AttributeValue> {
  return { ":now": { N: String(seconds) } };
}

function same(attribute: string, value: unknown): string {
  const name = attribute === "Value" ? "#Value" : attribute;
  return value ? `${name} = :${attribute}` : `attribute_not_exists(${name})`;
}
