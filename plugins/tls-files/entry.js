export { default } from "../../dist/plugins/tls-files/index.js";
