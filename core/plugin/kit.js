export * from "../../dist/core/plugin/kit/storage-conformance.js";
