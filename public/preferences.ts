// What this phone's owner prefers: kept on this phone alone, and applied to the page as it stands.

type Preferences = {
  theme: "system" | "light" | "dark";
  /** Long lines of the log are broken, or reach beyond its edge. */
  wrap: "on" | "off";
  /** The last known list stays on this phone, to be looked at without a connection. */
  keep: "on" | "off";
};

const DEFAULTS: Preferences = { theme: "system", wrap: "on", keep: "off" };
const DARK = "(prefers-color-scheme: dark)";
const LIGHT = "(prefers-color-scheme: light)";
/** Where the last known list is kept (offline.ts). */
export const KEPT_DATABASE = "kept";

const dark = new Set<MediaList>();

export function preference<Name extends keyof Preferences>(name: Name): Preferences[Name] {
  return (localStorage.getItem(name) as Preferences[Name] | null) ?? DEFAULTS[name];
}

export function prefer<Name extends keyof Preferences>(name: Name, value: Preferences[Name]) {
  localStorage.setItem(name, value);
  applyPreferences();
}

/** Makes the page look as it is preferred. */
export function applyPreferences() {
  applyTheme(preference("theme"));
  document.documentElement.dataset.wrap = preference("wrap");
}

/** The rules for the dark are written once, for phones that are dark: they are made to hold always, or never. */
function applyTheme(theme: Preferences["theme"]) {
  for (const sheet of document.styleSheets)
    for (const rule of sheet.cssRules)
      if (rule instanceof CSSMediaRule && rule.media.mediaText === DARK) dark.add(rule.media);
  const [inDark, inLight] = { system: [DARK, LIGHT], dark: ["all", "not all"], light: ["not all", "all"] }[
    theme
  ];
  for (const media of dark) media.mediaText = inDark ?? DARK;
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    meta.dataset.for ??= meta.media === DARK ? "dark" : "light";
    meta.media = (meta.dataset.for === "dark" ? inDark : inLight) ?? "";
  }
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
}

/** Everything that this browser keeps of the page, gone: it is not paired any more. */
export function forgetEverything() {
  localStorage.clear();
  sessionStorage.clear();
  if ("indexedDB" in window) indexedDB.deleteDatabase(KEPT_DATABASE);
  applyPreferences();
}
