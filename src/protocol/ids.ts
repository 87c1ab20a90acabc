// The ids of everything that the rooms speak of, each a type of its own, so that none is taken for another.

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };
export type SessionId = Id<"session">;
export type PromptId = Id<"prompt">;
export type DeviceId = Id<"device">;
export type ViewerId = Id<"viewer">;
export type ConversationId = Id<"conversation">;
/** Made by the viewer, once per tap: the same id again is the same answer. */
export type AnswerId = Id<"answer">;
/** Made by the viewer, once per text or key sent. */
export type InputId = Id<"input">;
/** Made by the viewer, once per session it starts: the same id again is the same launch. */
export type LaunchId = Id<"launch">;
/** Made by the viewer, once per file that it hands over: the same id again is the same file. */
export type FileId = Id<"file">;
/** A terminal that `claude-remote attach` opened on a session. Made there, and the same over reconnects. */
export type DeskId = Id<"desk">;
/** What an option *is* (`approve`, `approve_always`, `reject` …), never where it stands on a screen. */
export type OptionId = Id<"option">;
/** SHA-256, hex, of the canonical JSON of what was shown (see digest.ts). */
export type Digest = Id<"digest">;
