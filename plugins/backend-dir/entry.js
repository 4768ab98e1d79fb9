export { default } from "../../dist/plugins/backend-dir/index.js";
