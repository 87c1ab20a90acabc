// What axe finds in a page as it stood in one moment.
import axe, { type RunOptions } from "axe-core";

/** How often a page is looked at anew that changed meanwhile; one that never rests is judged all the same. */
const LOOKS = 10;

/**
 * The body of an async function for a page: a line for each element that keeps somebody out, or whose colours do. axe reads
 * the page once and judges it after that, so what changed in between is looked at again: half of it would be from before.
 */
export function barriersIn(what: "all" | "colours" = "all"): string {
  const only = what === "colours" ? { runOnly: ["color-contrast"] } : {};
  const options: RunOptions = { resultTypes: ["violations"], ...only };
  return `
    if (!globalThis.axe) { ${axe.source} }
    for (let looks = 1; ; looks++) {
      let changed = false;
      const watch = new MutationObserver(() => { changed = true; });
      watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      const { violations } = await globalThis.axe.run(${JSON.stringify(options)});
      changed ||= watch.takeRecords().length > 0;
      watch.disconnect();
      if (changed && looks < ${LOOKS}) continue;
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ html, failureSummary }) => id + " (" + help + "): " + html + "\\n  " + failureSummary));
    }`;
}
