// Speaking instead of typing, where the browser knows how: its words come into the text while one speaks.
import { type ComposerParts, toolButton } from "./composer-parts.ts";

/** As much of the browser's SpeechRecognition as is used; it is in no standard library. */
type Recognition = EventTarget & {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  start(): void;
  stop(): void;
  abort(): void;
};
type Heard = Event & {
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
};

const PROBLEMS: Record<string, string> = {
  "not-allowed": "This page may not use the microphone. Allow it in the browser's settings for this site.",
  "service-not-allowed": "The browser does not offer speech here. The keyboard's own microphone may work.",
  "audio-capture": "There is no microphone that the browser can use.",
  network: "The browser's speech service cannot be reached.",
  "no-speech": "Nothing was heard.",
  "language-not-supported": "The browser does not know speech in this language.",
  aborted: "",
};

function recognition(): (new () => Recognition) | null {
  const { SpeechRecognition, webkitSpeechRecognition } = globalThis as {
    SpeechRecognition?: new () => Recognition;
    webkitSpeechRecognition?: new () => Recognition;
  };
  return SpeechRecognition ?? webkitSpeechRecognition ?? null;
}

/** The button of one composer; null where the browser cannot. */
export function dictation({ text, put, say }: ComposerParts) {
  const Known = recognition();
  if (!Known) return null;
  const button = toolButton("mic", "Dictate", () => (running ? stop() : start(Known)));
  let running: Recognition | null = null;
  /** What stood there before. */
  let before = "";
  let after = "";
  let own = "";

  button.classList.add("mic");
  text.addEventListener("input", () => {
    if (running && text.value !== own) stop(); // Somebody types: their words are theirs.
  });

  function start(Made: new () => Recognition) {
    const made = new Made();
    // On Android one that goes on repeats what it has told; there it ends at the first pause.
    const continuous = !/Android/.test(navigator.userAgent);
    Object.assign(made, { continuous, interimResults: true, lang: navigator.language });
    running = made;
    const [from, to] = [text.selectionStart, text.selectionEnd];
    before = text.value.slice(0, from);
    after = text.value.slice(to);
    if (before !== "" && !/\s$/.test(before)) before += " ";
    own = text.value;
    say("speech", "", "Listening … The browser may send what you say to its maker.");
    made.addEventListener("result", (event) => running === made && heard(event as Heard));
    made.addEventListener("error", (event) => {
      if (running !== made) return;
      const { error = "" } = event as Event & { error?: string };
      failed(PROBLEMS[error] ?? `The browser stopped listening (${error}).`);
    });
    made.addEventListener("end", () => running === made && ended());
    try {
      made.start();
      draw();
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  }

  function heard({ results }: Heard) {
    const words = Array.from({ length: results.length }, (_, i) => results[i]?.[0]?.transcript ?? "");
    const spoken = words.join("").replaceAll(/\s+/g, " ").trimStart();
    own = before + spoken + after;
    put(own, before.length + spoken.length);
  }

  function failed(problem: string) {
    running = null;
    say("speech", "warn", problem);
    draw();
  }

  function ended() {
    running = null;
    say("speech", "", "");
    draw();
  }

  function stop() {
    const was = running;
    ended();
    was?.stop();
  }

  function draw() {
    button.setAttribute("aria-pressed", String(running !== null));
    button.setAttribute("aria-label", running ? "Stop dictating" : "Dictate");
  }

  draw();
  return { button, stop };
}
