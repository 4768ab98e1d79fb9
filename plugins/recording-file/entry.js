export { default } from "../../dist/plugins/recording-file/index.js";
