// Terminal colours: the 256 palette as rgb, and colours kept readable on whatever they stand.
import type { Color, Style } from "../src/screen.ts";

type Rgb = [red: number, green: number, blue: number];

/** The page's terminal is dark in both themes: programs choose their colours for a dark one. */
export const FOREGROUND = "#e6e3dd";
export const BACKGROUND = "#171614";

const BASE = [
  "#2b2926",
  "#ef6f6c",
  "#7fc77c",
  "#e3b45f",
  "#7aa7f0",
  "#d08be0",
  "#5fc4c9",
  "#cfcac1",
  "#7d776d",
  "#ff8f8b",
  "#9fe09b",
  "#f7cf80",
  "#a0c3ff",
  "#e6adf2",
  "#86e0e4",
  "#ffffff",
]; // biome keeps one a line otherwise

const LEVELS = [0, 95, 135, 175, 215, 255];
/** Below this contrast a text cannot be read on a phone in daylight. */
const MIN_CONTRAST = 3;

const hex = (rgb: Rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

/** "#rrggbb" of a palette index or an rgb colour; the default for anything else. */
export function rgbOf(color: Color | undefined, otherwise: string): string {
  if (typeof color === "string") return /^#[0-9a-f]{6}$/i.test(color) ? color.toLowerCase() : otherwise;
  if (color === undefined) return otherwise;
  if (color < 16) return BASE[color] ?? otherwise;
  if (color >= 232) {
    const grey = 8 + (color - 232) * 10;
    return hex([grey, grey, grey]);
  }
  const index = color - 16;
  const level = (step: number) => LEVELS[Math.floor(index / step) % 6] ?? 0;
  return hex([level(36), level(6), level(1)]);
}

const cache = new Map<string, { color: string; background: string | null }>();
/** Styles met so far; a screen has a few dozen, a colour test some thousand. */
const MAX_CACHED = 5_000;

/** The colours that a style shows: inverse applied, and the text made lighter or darker where nobody could read it. */
export function colorsOf(style: Style): { color: string; background: string | null } {
  const key = `${style.fg}/${style.bg}/${style.inverse}/${style.dim}`;
  const known = cache.get(key);
  if (known) return known;
  const [fg, bg] = [rgbOf(style.fg, FOREGROUND), rgbOf(style.bg, BACKGROUND)];
  const [over, under] = style.inverse ? [bg, fg] : [fg, bg];
  const plain = style.dim ? mix(over, under, 0.4) : over;
  const made = { color: readable(plain, under), background: under === BACKGROUND ? null : under };
  if (cache.size > MAX_CACHED) cache.clear();
  cache.set(key, made);
  return made;
}

const parts = (color: string): Rgb => [
  Number.parseInt(color.slice(1, 3), 16),
  Number.parseInt(color.slice(3, 5), 16),
  Number.parseInt(color.slice(5, 7), 16),
];

function mix(color: string, other: string, share: number): string {
  const [a, b] = [parts(color), parts(other)];
  return hex([0, 1, 2].map((i) => (a[i] ?? 0) * (1 - share) + (b[i] ?? 0) * share) as Rgb);
}

/** WCAG's relative luminance, 0 to 1. */
function luminance(color: string): number {
  const [red, green, blue] = parts(color).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG's contrast ratio, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function readable(color: string, under: string): string {
  const target = luminance(under) > 0.2 ? "#000000" : "#ffffff";
  for (let share = 0; share < 1; share += 0.1) {
    const tried = share === 0 ? color : mix(color, target, share);
    if (contrast(tried, under) >= MIN_CONTRAST) return tried;
  }
  return target;
}
