// Who asks, where it has to be somebody who is paired.
import type { Viewer } from "../protocol.ts";
import type { By } from "./audit.ts";
import { ApiError } from "./errors.ts";
import type { Call } from "./routes.ts";

/** Who asks, and from where, as the audit has it. */
export function byOf({ caller, address }: Call): Exclude<By, "owner"> {
  if (caller.kind === "viewer")
    return { actor: `viewer ${caller.viewer.id}`, name: caller.viewer.name, address };
  if (caller.kind === "token") return { actor: `token ${caller.token.id}`, name: caller.token.name, address };
  throw new ApiError("forbidden", "This needs a paired browser.");
}

/** Throws `forbidden` for whoever is no viewer. */
export function viewerOf({ caller }: Call): Viewer {
  if (caller.kind === "viewer") return caller.viewer;
  throw new ApiError("forbidden", "This needs a paired browser.");
}
