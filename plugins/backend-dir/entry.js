export { default } from "../../dist/plugins/backend-dir/index.js";
export * from "../../dist/plugins/backend-dir/index.js";
