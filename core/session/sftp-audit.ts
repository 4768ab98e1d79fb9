/**
 * The audit of an sftp subsystem, by listening to both directions of its stream. What changes or opens a file is on
 * record before the server gets to see it; what the server then refuses is told again as failed, and a file's bytes
 * when it is closed, before the client gets to see the answer.
 */
import { auditEvent, type EventFields, type PendingAuditEvent } from "../audit/catalogue.js";
import { SFTP_ACTIONS, type SftpEventKind } from "../audit/sftp-catalogue.js";
import { badParameter, errorMessage } from "../errors/error.js";
import { SshReader } from "../pki/ssh-wire.js";
import { readOperation, type SftpOperation } from "./sftp-operation.js";
import { SFTP, SftpPackets } from "./sftp-packets.js";
import type { StreamTap } from "./stream-tap.js";

/** What all events of one sftp session say. */
export type SftpFacts = Pick<
  EventFields<"sftpOpen">,
  "user" | "login" | "addr.local" | "addr.remote" | "sid" | "namespace" | "server_id"
>;

/** What the audit of an sftp session needs. */
export interface SftpAuditOptions {
  readonly facts: SftpFacts;
  /** Resolves when the event is durable, rejects where nothing may happen without it. */
  readonly emit: (event: PendingAuditEvent) => Promise<void>;
  /** Called where the stream cannot be understood: it goes no further, and the session has to end. */
  readonly unreadable: (reason: string) => void;
}

interface OpenFile {
  readonly path: string;
  bytesRead: number;
  bytesWritten: number;
}

/** A request that has not been answered, by what its answer is needed for. */
type Pending =
  | { readonly operation: SftpOperation }
  | { readonly closing: string }
  | { readonly reading: FileInUse }
  | { readonly writing: FileInUse; readonly bytes: number }
  | Record<string, never>;

/**
 * The file that a request reads or writes. Clients may guess a handle and use it before the answer that gives it, so a
 * file that is not known at the request is looked for again at its answer.
 */
type FileInUse = () => OpenFile | undefined;

const VERSION = 3;
const STATUS_OK = 0;
const MAX_PENDING = 65_536;
const MAX_HANDLES = 65_536;
const MAX_HANDLE_BYTES = 256;
const MAX_ERROR_CHARACTERS = 256;

/** Listens to one sftp session. What is no sftp of version 3 rejects, since it could not be audited. */
export class SftpAudit implements StreamTap {
  readonly #options: SftpAuditOptions;
  readonly #requests = new SftpPackets((type, body) => this.#request(type, new SshReader(body)));
  readonly #replies = new SftpPackets((type, body) => this.#reply(type, new SshReader(body)));
  readonly #pending = new Map<number, Pending>();
  readonly #files = new Map<string, OpenFile>();
  /** Events of the piece that is being looked at. */
  #events: PendingAuditEvent[] = [];

  constructor(options: SftpAuditOptions) {
    this.#options = options;
  }

  input(chunk: Buffer): Promise<void> | undefined {
    return this.#listen(this.#requests, chunk);
  }

  output(chunk: Buffer): Promise<void> | undefined {
    return this.#listen(this.#replies, chunk);
  }

  async end(): Promise<void> {
    for (const handle of [...this.#files.keys()]) this.#closed(handle);
    await this.#emit();
  }

  #listen(direction: SftpPackets, chunk: Buffer): Promise<void> | undefined {
    try {
      direction.push(chunk);
    } catch (error) {
      this.#options.unreadable(errorMessage(error));
      return Promise.reject(error);
    }
    return this.#events.length === 0 ? undefined : this.#emit();
  }

  async #emit(): Promise<void> {
    const events = this.#events;
    this.#events = [];
    for (const event of events) await this.#options.emit(event);
  }

  #request(type: number, reader: SshReader): void {
    if (type === SFTP.init) return;
    const id = reader.uint32();
    if (this.#pending.size >= MAX_PENDING) throw badParameter("too many unanswered sftp requests");
    // With two of one id it could not be told which of them an answer is for.
    if (this.#pending.has(id)) throw badParameter("two unanswered sftp requests have the same id");
    this.#pending.set(id, this.#expected(type, reader));
  }

  /** Tells what the request does, and says what its answer will tell. */
  #expected(type: number, reader: SshReader): Pending {
    switch (type) {
      case SFTP.read:
        return { reading: this.#fileFrom(reader) };
      case SFTP.write: {
        const writing = this.#fileFrom(reader);
        reader.uint64();
        return { writing, bytes: reader.uint32() };
      }
      case SFTP.close:
        return { closing: handleFrom(reader) };
      default: {
        const operation = readOperation(type, reader, (handle) => this.#pathOf(handle));
        if (operation === undefined) return {};
        this.#tell(operation);
        return { operation };
      }
    }
  }

  #reply(type: number, reader: SshReader): void {
    if (type === SFTP.version) {
      const version = reader.uint32();
      if (version !== VERSION) throw badParameter(`sftp of version ${version} cannot be audited`);
      return;
    }
    const id = reader.uint32();
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (type === SFTP.data && "reading" in pending) {
      const file = pending.reading();
      if (file !== undefined) file.bytesRead += reader.uint32();
    }
    if (type === SFTP.handle && "operation" in pending) this.#opened(reader.string(), pending.operation);
    if (type === SFTP.status) this.#answered(pending, reader);
  }

  #opened(handle: Buffer, { path }: SftpOperation): void {
    if (this.#files.size >= MAX_HANDLES || handle.length > MAX_HANDLE_BYTES) {
      throw badParameter("too many open files in one sftp session");
    }
    this.#files.set(handle.toString("latin1"), { path, bytesRead: 0, bytesWritten: 0 });
  }

  #answered(pending: Pending, reader: SshReader): void {
    const status = reader.uint32();
    if (status === STATUS_OK) {
      if ("writing" in pending) {
        const file = pending.writing();
        if (file !== undefined) file.bytesWritten += pending.bytes;
      }
      if ("closing" in pending) this.#closed(pending.closing);
      return;
    }
    if (!("operation" in pending)) return;
    const words = reader.done ? "" : reader.string().toString("utf8").slice(0, MAX_ERROR_CHARACTERS);
    this.#tell(pending.operation, words === "" ? `status ${status}` : words);
  }

  #closed(handle: string): void {
    const file = this.#files.get(handle);
    if (file === undefined) return;
    this.#files.delete(handle);
    this.#add("sftpClose", { path: file.path, bytes_read: file.bytesRead, bytes_written: file.bytesWritten });
  }

  #tell({ kind, path, targetPath, flags, attributes }: SftpOperation, error?: string): void {
    this.#add(kind, { path, target_path: targetPath, flags, attributes, error });
  }

  #add(kind: SftpEventKind, fields: Omit<EventFields<"sftpOpen">, keyof SftpFacts | "action">): void {
    const outcome = fields.error === undefined ? "success" : "failure";
    const action = SFTP_ACTIONS[kind];
    this.#events.push(auditEvent(kind, outcome, { ...this.#options.facts, ...fields, action }));
  }

  #fileFrom(reader: SshReader): FileInUse {
    const handle = handleFrom(reader);
    const file = this.#files.get(handle);
    return () => file ?? this.#files.get(handle);
  }

  #pathOf(handle: Buffer): string {
    const file = this.#files.get(handle.toString("latin1"));
    if (file === undefined) throw badParameter("an sftp request changes a file that has not been opened yet");
    return file.path;
  }
}

const handleFrom = (reader: SshReader): string => reader.string().toString("latin1");
