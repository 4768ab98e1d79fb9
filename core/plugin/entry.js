export * from "../../dist/core/plugin/index.js";
