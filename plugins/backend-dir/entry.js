export { default } from "../../dist/bin/plugins/backend-dir.js";
export * from "../../dist/bin/plugins/backend-dir.js";
