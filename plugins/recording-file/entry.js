export { default } from "../../dist/bin/plugins/recording-file.js";
