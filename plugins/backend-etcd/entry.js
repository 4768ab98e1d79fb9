export { default } from "../../dist/bin/plugins/backend-etcd.js";
export * from "../../dist/bin/plugins/backend-etcd.js";
