export { default } from "../../dist/bin/plugins/tls-files.js";
