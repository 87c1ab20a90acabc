// The slash commands of a session.

/** A slash command that can be typed in a session, without its `/`. */
export type Command = {
  name: string;
  /** One line of what it does. */
  about: string;
  /** What may follow it, as claude writes it: `[name]`. */
  hint?: string;
  from: "claude" | "user" | "project" | "plugin";
  /** It opens a menu on claude's screen, which takes keys. */
  menu?: true;
};
