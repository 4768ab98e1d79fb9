export { default } from "../../dist/bin/plugins/audit-stdout.js";
