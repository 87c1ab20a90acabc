// The address of the phones page: what draws it comes on demand, so that the first load stays small.
import { fromTemplate, part, setText } from "./dom.ts";
import type { Model } from "./model.ts";

/** The view, empty until its script has come. */
export function phones(model: Model) {
  const root = fromTemplate("phones-view");
  let view: { update: () => void; close: () => void } | null = null;
  let closed = false;

  async function load() {
    try {
      const { phonesView } = await import("./phones-view.ts");
      if (!closed) view = phonesView(root, model);
    } catch {
      setText(part(root, "trouble", HTMLElement), "This page did not load. Go back and try again.");
      part(root, "trouble", HTMLElement).hidden = false;
    }
  }
  load();

  return {
    root,
    update: () => view?.update(),
    close() {
      closed = true;
      view?.close();
    },
  };
}
