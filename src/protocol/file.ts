// A file that a viewer hands to a session.
import type { FileId } from "./ids.ts";

/** Why a file was not taken. `full`: this session was handed too many, or too much. `gone`: it was removed, or never begun. */
export type FileRefusal = "too_large" | "full" | "disk" | "gone" | "exited";

/** What POST /api/sessions/:id/files answers to each piece: go on at `upto`; `path` once the file is whole. */
export type FileState = { id: FileId; upto: number; path: string | null };
