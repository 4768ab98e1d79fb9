/** `storage.flawed`: the embedded backend with one of the flaws, as a third-party plugin. */
import { badParameter, definePlugin, z } from "@teleport/plugin";
import dir from "../../../../plugins/backend-dir/index.js";
import { allFlaws } from "./flaws/all-flaws.js";
import { flawedStorage } from "./flaws/flaw.js";

export default definePlugin({
  id: "storage.flawed",
  kind: "storage",
  apiVersion: "^1.0.0",
  schema: z.strictObject({ flaw: z.string().optional() }),
  async create({ flaw: name }, context) {
    const running = await dir.create(dir.schema.parse({}), context);
    if (name === undefined) return running;
    const flaw = allFlaws.find((candidate) => candidate.name === name);
    if (!flaw) throw badParameter(`there is no flaw '${name}'`);
    return { ...running, product: flawedStorage(flaw, running.product, context.clock) };
  },
});
