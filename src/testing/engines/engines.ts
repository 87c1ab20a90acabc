// The engines beside Chromium.
import type { Engine, EngineOptions } from "./engine.ts";
import { firefoxPhone } from "./firefox-phone.ts";
import { WebKit } from "./webkit.ts";

export type EngineName = "Firefox" | "WebKit";

/** Each with what opens one. */
export const ENGINES: Record<EngineName, (options?: EngineOptions) => Promise<Engine>> = {
  Firefox: firefoxPhone,
  WebKit: (options) => WebKit.open(options),
};
