export { default } from "../../dist/plugins/audit-stdout/index.js";
