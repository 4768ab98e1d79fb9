export { default } from "../../dist/bin/plugins/audit-file.js";
