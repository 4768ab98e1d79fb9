export { default } from "../../dist/bin/plugins/backend-dynamo.js";
export * from "../../dist/bin/plugins/backend-dynamo.js";
