export * from "../../dist/bin/plugin.js";
