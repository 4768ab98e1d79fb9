import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { badParameter } from "../../errors/error.js";
import type { AuthApi } from "../client/api.js";
import { decodeSessionSlice } from "../client/session-slice.js";
import { sendJson } from "./reply.js";
import { requireDefaultNamespace } from "./route.js";
import { sessionId } from "./routes/sessions.js";

const SLICE_LIMIT_BYTES = 16 * 1024 * 1024;
/** Hosts send 2 MiB at a time, or one larger frame. */
const JOURNAL_LIMIT_BYTES = 4 * 1024 * 1024;

type ApiOf = (request: FastifyRequest) => AuthApi;

/** Registers `POST …/sessions/:id/slice`: audit events of a session as protobuf (wire.md §9.2). */
export function registerSessionSlices(app: FastifyInstance, prefix: string, apiOf: ApiOf): void {
  void app.register(async (scope) => {
    // 4.2 labels these bodies application/grpc, which they are not.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "*",
      { parseAs: "buffer", bodyLimit: SLICE_LIMIT_BYTES },
      (_request, body, done) => {
        done(null, body);
      },
    );
    scope.post(`${prefix}/namespaces/:namespace/sessions/:id/slice`, async (request, reply) => {
      const call = pathOf(request);
      requireDefaultNamespace(call);
      const slice = decodeSessionSlice(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
      if (slice.sessionId !== sessionId(call)) {
        throw badParameter("the slice is of another session than the path");
      }
      await apiOf(request).postSessionSlice(slice);
      return sendJson(reply, { message: "ok" });
    });
  });
}

/** Registers `POST …/sessions/:id/journal?offset=N`, ours: frames of the recording of a running session. */
export function registerSessionJournals(app: FastifyInstance, prefix: string, apiOf: ApiOf): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "application/octet-stream",
      { parseAs: "buffer", bodyLimit: JOURNAL_LIMIT_BYTES },
      (_request, body, done) => done(null, body),
    );
    scope.post(`${prefix}/namespaces/:namespace/sessions/:id/journal`, async (request, reply) => {
      const call = pathOf(request);
      requireDefaultNamespace(call);
      const { offset: text = "" } = request.query as { offset?: string };
      const offset = Number(text);
      if (!/^\d+$/.test(text) || !Number.isSafeInteger(offset)) {
        throw badParameter("query parameter 'offset' must be a number that is not negative");
      }
      const frames = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      await apiOf(request).appendSessionJournal(sessionId(call), offset, frames);
      return sendJson(reply, { message: "ok" });
    });
  });
}

/** Registers `POST …/sessions/:id/recording`: the archive of a session, streamed (wire.md §9.3). */
export function registerRecordingUploads(app: FastifyInstance, prefix: string, apiOf: ApiOf): void {
  void app.register(async (scope) => {
    await scope.register(multipart, {
      limits: { files: 1, fields: 4, fieldSize: 1024, fileSize: Infinity, headerPairs: 20 },
      throwFileSizeLimit: true,
    });
    scope.post(`${prefix}/namespaces/:namespace/sessions/:id/recording`, async (request, reply) => {
      const call = pathOf(request);
      requireDefaultNamespace(call);
      const id = sessionId(call);
      let uploaded = false;
      for await (const part of request.parts()) {
        if (part.type === "field") {
          if (part.fieldname === "sid" && part.value !== id) {
            throw badParameter("the recording is of another session than the path");
          }
        } else {
          await apiOf(request).uploadSessionRecording(id, part.file);
          // What the store did not read must go, or the next part is never reached.
          part.file.resume();
          uploaded = true;
        }
      }
      if (!uploaded) throw badParameter("the upload holds no recording");
      return sendJson(reply, { message: "ok" });
    });
  });
}

function pathOf(request: FastifyRequest): { param(name: string): string } {
  return { param: (name) => (request.params as Record<string, string>)[name] ?? "" };
}
