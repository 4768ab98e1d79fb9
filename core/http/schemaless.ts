import type { FastifyServerOptions } from "fastify";

/**
 * Fastify without its schema compilers. Bodies are checked by our own schemas and replies are plain JSON, so loading a
 * validator and a serialiser generator would only cost start-up time and some 10 MB of memory.
 */
export const schemaless = {
  schemaController: {
    compilersFactory: {
      buildValidator: () => () => () => true,
      buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
    },
  },
} as unknown as Pick<FastifyServerOptions, "schemaController">;
