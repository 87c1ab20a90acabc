// What people call a session, and where it is.
import type { Session } from "../src/protocol.ts";

/** Where it runs, as people call it. */
export function hostOf(session: Session): string {
  return session.devbox ?? session.device_name;
}

/** What people call it: the name they gave it, else its project. */
export function headlineOf(session: Session): string {
  return session.name ?? projectOf(session);
}

/** Where that is: the host, and the project where the headline does not say it. */
export function whereOf(session: Session): string {
  return session.name ? `${projectOf(session)} · ${hostOf(session)}` : hostOf(session);
}

/** What it is about: claude's own title while it works, the conversation's first words afterwards or where there is none. */
export function aboutOf(session: Session): string {
  const title = session.title.replace(DECORATION, "").trim();
  const named = title === "Claude Code" ? "" : title;
  const opening = session.opening ?? "";
  return session.ended_at === null ? named || opening : opening || named;
}

/** claude puts a sign in front of its title: at rest, or turning while it works. */
const DECORATION = /^[\u2800-\u28ff\u2733\u25d0-\u25d3\u25cf\u00b7*\s]+/;

/** The last part of the directory: what people call the project. */
export function projectOf({ cwd }: { cwd: string }): string {
  return cwd.split("/").findLast((name) => name !== "") ?? "/";
}
