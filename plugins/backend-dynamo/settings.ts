import { z } from "@teleport/plugin";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const duration = z
  .string()
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 1s or 500ms")
  .transform((text) =>
    [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ""] ?? 0),
      0,
    ),
  )
  .refine((ms) => ms >= 10, "must be at least 10ms");

const units = z.number().int().min(1).max(1_000_000);
const endpoint = z
  .string()
  .refine((text) => /^https?:$/.test(protocolOf(text)), "must be a URL such as http://localhost:8000");

const keys = z
  .strictObject({
    table_name: z.string().regex(/^[A-Za-z0-9_.-]{3,255}$/, "must be the name of a DynamoDB table"),
    region: z.string().min(1).optional(),
    access_key: z.string().min(1).optional(),
    secret_key: z.string().min(1).optional(),
    endpoint: endpoint.optional(),
    billing_mode: z.enum(["provisioned", "pay_per_request"]).default("provisioned"),
    read_capacity_units: units.default(10),
    write_capacity_units: units.default(10),
    poll_stream_period: duration.default(1000),
    retry_period: duration.default(10_000),
    continuous_backups: z.boolean().default(false),
    auto_scaling: z.boolean().default(false),
    read_min_capacity: units.optional(),
    read_max_capacity: units.optional(),
    read_target_value: z.number().min(20).max(90).default(70),
    write_min_capacity: units.optional(),
    write_max_capacity: units.optional(),
    write_target_value: z.number().min(20).max(90).default(70),
  })
  .refine(({ access_key, secret_key }) => (access_key === undefined) === (secret_key === undefined), {
    message: "access_key and secret_key belong together: give both or none",
    path: ["access_key"],
  })
  .refine((all) => !all.auto_scaling || all.billing_mode === "provisioned", {
    message: "auto_scaling changes provisioned capacity: leave it out with billing_mode: pay_per_request",
    path: ["auto_scaling"],
  })
  .refine((all) => !all.auto_scaling || (all.read_max_capacity && all.write_max_capacity), {
    message: "auto_scaling needs read_max_capacity and write_max_capacity",
    path: ["auto_scaling"],
  })
  .refine((all) => (all.read_min_capacity ?? 1) <= (all.read_max_capacity ?? Infinity), {
    message: "read_min_capacity must not be larger than read_max_capacity",
    path: ["read_min_capacity"],
  })
  .refine((all) => (all.write_min_capacity ?? 1) <= (all.write_max_capacity ?? Infinity), {
    message: "write_min_capacity must not be larger than write_max_capacity",
    path: ["write_min_capacity"],
  });

/** The keys of `teleport.storage` with `type: dynamodb`: those of 4.2 and 5.0, and `endpoint` and `billing_mode`. */
export const dynamoSettings = keys.transform((all) => ({
  table: all.table_name,
  region: all.region,
  endpoint: all.endpoint,
  credentials:
    all.access_key !== undefined && all.secret_key !== undefined
      ? { accessKeyId: all.access_key, secretAccessKey: all.secret_key }
      : undefined,
  billing: all.billing_mode,
  readUnits: all.read_capacity_units,
  writeUnits: all.write_capacity_units,
  pollPeriodMs: all.poll_stream_period,
  retryPeriodMs: all.retry_period,
  continuousBackups: all.continuous_backups,
  autoScaling:
    all.auto_scaling && all.read_max_capacity !== undefined && all.write_max_capacity !== undefined
      ? {
          read: scaling(all.read_min_capacity, all.read_max_capacity, all.read_target_value),
          write: scaling(all.write_min_capacity, all.write_max_capacity, all.write_target_value),
        }
      : undefined,
}));

/** Where credentials or other keys are missing, the SDK's own rules decide. */
export type DynamoSettings = z.output<typeof dynamoSettings>;

/** The range in which AWS may set a table's capacity, and the load in percent that it aims at. */
export interface Scaling {
  readonly min: number;
  readonly max: number;
  readonly targetPercent: number;
}

function scaling(min: number | undefined, max: number, targetPercent: number): Scaling {
  return { min: min ?? 1, max, targetPercent };
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : "";
}
