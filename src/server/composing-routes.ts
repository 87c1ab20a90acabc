// What one writes to claude with: its commands, its modes, files.
import * as v from "valibot";
import type { FileId, ModeBody } from "../protocol.ts";
import { byOf } from "./caller.ts";
import type { Commands } from "./commands.ts";
import { id } from "./fields.ts";
import type { FilePiece, Files } from "./files.ts";
import type { Inputs } from "./inputs.ts";
import { LIMITS } from "./limits.ts";
import { type Call, checked, plain, READ, type Route, readBytes, route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";

export type ComposingOptions = { sessions: Sessions; inputs: Inputs; commands: Commands; files: Files };

const MODES = ["default", "acceptEdits", "plan", "auto", "bypassPermissions"] as const;
const modeBody = v.object({ id, mode: v.picklist(MODES) });
/** What a piece of a file is, beside its bytes: `?id=…&name=…&size=…&at=…`. The name is shown, and never a path. */
const filePiece = v.object({
  id,
  name: v.pipe(
    v.string(),
    v.transform((given) => given.replace(/\p{C}/gu, "").slice(0, LIMITS.fileNameChars)),
  ),
  size: v.pipe(v.string(), v.regex(/^\d{1,12}$/), v.transform(Number), v.minValue(1)),
  at: v.pipe(v.string(), v.regex(/^\d{1,12}$/), v.transform(Number)),
});

export function composingRoutes({ sessions, inputs, commands, files }: ComposingOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  return [
    plain("GET", "/api/sessions/:id/commands", READ, (call) => {
      return Response.json({ commands: commands.of(idOf(call)) });
    }),
    route("POST", "/api/sessions/:id/mode", ["viewer"], modeBody, (call) => {
      return Response.json(inputs.mode(idOf(call), call.body as ModeBody, byOf(call)));
    }),
    {
      ...plain("POST", "/api/sessions/:id/files", ["viewer"], async (call) => {
        const session = idOf(call);
        const about = checked(filePiece, Object.fromEntries(call.query));
        const bytes = await readBytes(call.request);
        call.still();
        call.keep(); // The wrapper may take longer than a silent connection lives; it has a limit of its own.
        return Response.json(await files.hand(session, { ...about, bytes } as FilePiece, byOf(call)));
      }),
      rate: "pieces",
    },
    plain("DELETE", "/api/sessions/:id/files/:file", ["viewer"], (call) => {
      files.remove(idOf(call), (call.params.file ?? "") as FileId, byOf(call));
      return Response.json({ ok: true });
    }),
  ];
}
