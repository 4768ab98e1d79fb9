/** `@teleport/plugin`: all that a plugin author needs. */
export * from "../errors/error.js";
export * from "./audit.js";
export * from "./clock.js";
export * from "./define.js";
export * from "./logger.js";
export * from "./metrics.js";
export * from "./recording.js";
export * from "./storage.js";
export * from "./tls.js";
export { z } from "zod";
