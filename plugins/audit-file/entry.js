export { default } from "../../dist/plugins/audit-file/index.js";
