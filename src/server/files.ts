// Files that viewers hand over to a session, piece by piece: each is on the wrapper's disk before the next one is taken.
// Nothing of them is stored here, and none is ever served.
import type { FileId, FileRefusal, FileState, SessionId, WrapperMessage } from "../protocol.ts";
import type { By } from "./audit.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Note } from "./notes.ts";
import type { Sessions } from "./sessions.ts";
import type { AuditTable } from "./store/audit-table.ts";

/** A piece of a file as it came: from `at` on; `size` is the whole file's. */
export type FilePiece = { id: FileId; name: string; size: number; at: number; bytes: Uint8Array };
type Taken = Omit<Extract<WrapperMessage, { type: "file_taken" }>, "type">;
type Waiting = { resolve: (state: FileState) => void; reject: (error: ApiError) => void };

export class Files {
  readonly #audit: AuditTable;
  readonly #note: Note;
  readonly #clock: Clock;
  readonly #sessions: Sessions;
  /** Whoever waits for a wrapper's word on a file; of two that hand over the same one, the newer. */
  readonly #waiting = new Map<SessionId, Map<FileId, Waiting>>();
  /** The files of each session that the audit has. */
  readonly #begun = new Map<SessionId, Set<FileId>>();

  constructor(audit: AuditTable, note: Note, clock: Clock, sessions: Sessions) {
    this.#audit = audit;
    this.#note = note;
    this.#clock = clock;
    this.#sessions = sessions;
  }

  /**
   * Hands a piece on, and resolves when the wrapper has it on disk, or has said from where it wants the file. Rejects with
   * `too_large`, `invalid`, `rate_limited`, `unreachable`, `gone` or `storage`; the same piece again does no harm.
   */
  async hand(session: SessionId, piece: FilePiece, by: Exclude<By, "owner">): Promise<FileState> {
    const { id, name, size, at, bytes } = piece;
    if (size > LIMITS.fileBytes)
      throw new ApiError("too_large", `A file may have ${LIMITS.fileBytes / 1_024 / 1_024} MB.`);
    if (at + bytes.length > size || bytes.length === 0)
      throw new ApiError("invalid", "at: the piece is empty, or beyond the file's end");
    this.#begin(session, piece, by);
    let state: FileState = { id, upto: at, path: null };
    for (let from = 0; from < bytes.length; from += LIMITS.filePieceBytes) {
      const part = bytes.subarray(from, from + LIMITS.filePieceBytes);
      state = await this.#part(session, id, {
        ...{ name, size, at: at + from },
        bytes: Buffer.from(part).toString("base64"),
      });
      if (state.upto < at + from + part.length || state.path !== null) break; // It wants another piece, or none.
    }
    return state;
  }

  /** The viewer does not want it any more. Throws `gone` or `unreachable`. */
  remove(session: SessionId, id: FileId, by: Exclude<By, "owner">): void {
    this.#sessions.reach(session).tell({ type: "file_gone", id });
    this.#settle(session, id)?.reject(REFUSED.gone());
    this.#note({ ...by, session, action: "file removed", subject: session, detail: { id } });
  }

  /** A wrapper has so much of it on disk. */
  taken(session: SessionId, { id, upto, path }: Taken): void {
    this.#settle(session, id)?.resolve({ id, upto, path });
  }

  refused(session: SessionId, id: FileId, reason: FileRefusal): void {
    this.#settle(session, id)?.reject(REFUSED[reason]());
  }

  /** Its connection is gone, or is another one: whatever was under way has to be said again. */
  lost(session: SessionId): void {
    this.#rejectAll(session, silent());
  }

  /** The session has ended. */
  forget(session: SessionId): void {
    this.#rejectAll(session, REFUSED.exited());
    this.#begun.delete(session);
  }

  #rejectAll(session: SessionId, error: ApiError) {
    for (const id of [...(this.#waiting.get(session)?.keys() ?? [])])
      this.#settle(session, id)?.reject(error);
  }

  #begin(session: SessionId, { id, name, size }: FilePiece, by: Exclude<By, "owner">) {
    this.#sessions.reach(session);
    const begun = this.#begun.get(session) ?? new Set<FileId>();
    if (begun.has(id)) return;
    if (begun.size >= LIMITS.files) throw REFUSED.full();
    const entry = { ...by, session, action: "file", subject: session, detail: { id, name, size } };
    this.#audit.add(entry, this.#clock.now());
    this.#begun.set(session, begun.add(id)); // Only now: what could not be written down has not begun.
  }

  /** One message to the wrapper, and its word on it. */
  async #part(
    session: SessionId,
    id: FileId,
    part: { name: string; size: number; at: number; bytes: string },
  ): Promise<FileState> {
    this.#settle(session, id)?.reject(
      new ApiError("rate_limited", "The same file is handed over twice at once."),
    );
    const waiting = this.#waiting.get(session) ?? new Map<FileId, Waiting>();
    if (waiting.size >= LIMITS.filesAtOnce)
      throw new ApiError("rate_limited", "Too many files at once. Wait a little.");
    const uplink = this.#sessions.reach(session);
    const { promise, resolve, reject } = Promise.withResolvers<FileState>();
    const own = { resolve, reject };
    this.#waiting.set(session, waiting.set(id, own));
    const stop = this.#clock.after(LIMITS.filePieceMs, () => reject(silent()));
    uplink.tell({ type: "file", id, ...part });
    try {
      return await promise;
    } finally {
      stop();
      if (waiting.get(id) === own) this.#settle(session, id);
    }
  }

  /** Whoever waited for that file, not waiting any more. */
  #settle(session: SessionId, id: FileId): Waiting | undefined {
    const waiting = this.#waiting.get(session);
    const found = waiting?.get(id);
    waiting?.delete(id);
    if (waiting?.size === 0) this.#waiting.delete(session);
    return found;
  }
}

const silent = () =>
  new ApiError("unreachable", "The machine of this session does not answer now. Try again.");

/** What a wrapper's refusal means for whoever handed the file over. */
const REFUSED: Record<FileRefusal, () => ApiError> = {
  too_large: () => new ApiError("too_large", "The file is larger than it was said to be."),
  full: () => new ApiError("too_large", "This session was handed too many files. Start another one."),
  disk: () =>
    new ApiError("storage", "The session's machine cannot write the file down. Free some space there."),
  gone: () => new ApiError("gone", "The file was removed. Attach it anew."),
  exited: () => new ApiError("gone", "The session has ended."),
};
