import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { badParameter, unavailable } from "@teleport/plugin";
import type { AwsClients } from "./clients.js";
import type { Attempt, Requests } from "./requests.js";
import type { DynamoSettings } from "./settings.js";

const LOOK_AGAIN_MS = 500;
const MAX_LOOKS = 240;
const TTL_ATTRIBUTE = "Expires";
const KEYS = [
  ["HashKey", "HASH"],
  ["FullPath", "RANGE"],
] as const;
const VIEWS: ReadonlySet<string> = new Set(["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]);

/** What the table is made with. */
export type TableSettings = Pick<DynamoSettings, "billing" | "readUnits" | "writeUnits">;

/**
 * Sees to the table: makes it as 4.2 does where there is none, checks the one there is, and switches on what is
 * missing. Several processes may do so at once. Throws `bad_parameter` for a table that cannot be used as it is.
 */
export class Table {
  constructor(
    private readonly clients: AwsClients,
    private readonly requests: Requests,
    private readonly settings: TableSettings,
  ) {}

  /** Returns once the table can be used and its stream be read. */
  async prepare(): Promise<void> {
    if (!(await this.#describe())) {
      await this.#create();
    }
    checkTable(await this.#ready("become active", (table) => table.TableStatus === "ACTIVE"), this.#name);
    await this.#enableExpiry();
    await this.#enableStream();
  }

  /** The stream of the table as it is now. Throws `unavailable` where there is none. */
  async streamArn(): Promise<string> {
    const table = await this.#describe();
    if (!table?.LatestStreamArn || !table.StreamSpecification?.StreamEnabled) {
      throw unavailable(
        `DynamoDB table ${this.#name} has no stream: switch it on (NEW_IMAGE) or restart teleport`,
      );
    }
    return table.LatestStreamArn;
  }

  async #describe(): Promise<TableDescription | undefined> {
    const command = new DescribeTableCommand({ TableName: this.#name });
    try {
      const { Table } = await this.requests.call(
        "DescribeTable",
        (options) => this.clients.tables.send(command, options),
        { expected: isMissing },
      );
      return Table;
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async #create(): Promise<void> {
    const { billing, readUnits, writeUnits } = this.settings;
    const command = new CreateTableCommand({
      TableName: this.#name,
      AttributeDefinitions: KEYS.map(([AttributeName]) => ({ AttributeName, AttributeType: "S" as const })),
      KeySchema: KEYS.map(([AttributeName, KeyType]) => ({ AttributeName, KeyType })),
      ...(billing === "pay_per_request"
        ? { BillingMode: "PAY_PER_REQUEST" as const }
        : { ProvisionedThroughput: { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits } }),
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    });
    this.requests.context.log.info("creating a DynamoDB table", { table: this.#name, billing });
    await this.#unlessDone("CreateTable", (options) => this.clients.tables.send(command, options));
  }

  async #enableExpiry(): Promise<void> {
    const state = await this.#expiry();
    if (state.enabled) {
      if (state.attribute !== TTL_ATTRIBUTE) {
        this.requests.context.log.warn(
          `the time to live of DynamoDB table ${this.#name} is on ${state.attribute ?? "another attribute"}: set it to ${TTL_ATTRIBUTE}`,
        );
      }
      return;
    }
    const command = new UpdateTimeToLiveCommand({
      TableName: this.#name,
      TimeToLiveSpecification: { Enabled: true, AttributeName: TTL_ATTRIBUTE },
    });
    try {
      await this.requests.call("UpdateTimeToLive", (options) => this.clients.tables.send(command, options));
    } catch (error) {
      // Another process may have been faster.
      if (!(await this.#expiry()).enabled) {
        throw error;
      }
    }
  }

  async #expiry(): Promise<{ enabled: boolean; attribute: string | undefined }> {
    const command = new DescribeTimeToLiveCommand({ TableName: this.#name });
    const { TimeToLiveDescription } = await this.requests.call("DescribeTimeToLive", (options) =>
      this.clients.tables.send(command, options),
    );
    const { TimeToLiveStatus = "DISABLED", AttributeName } = TimeToLiveDescription ?? {};
    return { enabled: /^ENABL/.test(TimeToLiveStatus), attribute: AttributeName };
  }

  async #enableStream(): Promise<void> {
    const isStreaming = (table: TableDescription): boolean =>
      table.TableStatus === "ACTIVE" &&
      table.StreamSpecification?.StreamEnabled === true &&
      table.LatestStreamArn !== undefined;
    const table = await this.#describe();
    if (!table?.StreamSpecification?.StreamEnabled) {
      const command = new UpdateTableCommand({
        TableName: this.#name,
        StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
      });
      this.requests.context.log.info("switching on the stream of a DynamoDB table", { table: this.#name });
      try {
        await this.#unlessDone("UpdateTable", (options) => this.clients.tables.send(command, options));
      } catch (error) {
        // Another process may have been faster.
        if (!(await this.#describe())?.StreamSpecification?.StreamEnabled) {
          throw error;
        }
      }
    }
    const view =
      (await this.#ready("open its stream", isStreaming)).StreamSpecification?.StreamViewType ?? "";
    if (!VIEWS.has(view)) {
      throw badParameter(
        `the stream of DynamoDB table ${this.#name} shows ${view}, but teleport needs NEW_IMAGE: ` +
          "disable the stream, and teleport will open the right one",
      );
    }
  }

  /** Another process that does the same at the same time is as good. */
  async #unlessDone(operation: string, attempt: Attempt<unknown>): Promise<void> {
    try {
      await this.requests.call(operation, attempt, { expected: isInUse });
    } catch (error) {
      if (!isInUse(error)) {
        throw error;
      }
    }
  }

  async #ready(what: string, isReady: (table: TableDescription) => boolean): Promise<TableDescription> {
    const { clock } = this.requests.context;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const table = await this.#describe();
      if (table && isReady(table)) {
        return table;
      }
      await clock.sleep(LOOK_AGAIN_MS, this.requests.closed);
    }
    throw unavailable(`DynamoDB table ${this.#name} did not ${what} in time: look at it in the AWS console`);
  }

  get #name(): string {
    return this.requests.context.table;
  }
}

function checkTable({ KeySchema = [], AttributeDefinitions = [] }: TableDescription, name: string): void {
  const types = new Map(
    AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const fits =
    KeySchema.length === KEYS.length &&
    KEYS.every(
      ([attribute, kind]) =>
        types.get(attribute) === "S" &&
        KeySchema.some(({ AttributeName, KeyType }) => AttributeName === attribute && KeyType === kind),
    );
  if (!fits) {
    const has = KeySchema.map(({ AttributeName = "", KeyType = "" }) => `${AttributeName} (${KeyType})`).join(
      ", ",
    );
    throw badParameter(
      `DynamoDB table ${name} has the keys ${has}, but teleport needs the strings HashKey (HASH) and FullPath (RANGE): ` +
        "set another table_name",
    );
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof ResourceNotFoundException;
}

function isInUse(thrown: unknown): boolean {
  return thrown instanceof ResourceInUseException;
}
