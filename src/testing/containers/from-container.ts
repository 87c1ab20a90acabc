// A session started from a phone by a server in a container, with a key of the container's own, on a machine beside it.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openBrowser, Phone } from "../page.ts";
import { program } from "../program.ts";
import { Hosts } from "../ssh/hosts.ts";
import { cardReady, outcome } from "../story/acts.ts";
import { textOf, until } from "../story/processes.ts";
import type { Compose } from "./compose.ts";

/** Copying our program, a start, an answer, on a machine that does other things too. */
const PATIENT_MS = 90_000;
/** Answers as claude does to whoever looks, and is the demo else, which carries out what it is told. */
const CLAUDE = () => `#!/bin/sh
case $1 in
  --version) echo '2.1.329 (Claude Code)' ;;
  auth) echo '{"loggedIn": true}' ;;
  *) exec ${program()} demo-claude --demo-script=/dev/null "$@" ;;
esac
`;

export type Story = {
  fingerprint: string;
  shown: string;
  result: boolean;
  left: string[];
  environment: string;
};

/** Adds the machine on the phone, says yes to its host key, starts, approves, stops. Rejects where any of it does not come. */
export async function launchFromContainer(stack: Compose): Promise<Story> {
  const gateway = await stack.gateway();
  const lines = [`ListenAddress ${gateway}`];
  await using hosts = await Hosts.open({ name: "beside", lines, files: { ".local/bin/claude*": CLAUDE() } });
  const box = hosts.host("beside");
  mkdirSync(join(box.home, "shop"));
  const browser = await openBrowser();
  try {
    await using phone = await Phone.open(browser);
    const { url } = JSON.parse(await stack.command("pair", "--json", "--yes")) as { url: string };
    await phone.goto(url);
    await phone.button("Pair this phone").tap();
    await phone.part("link").filter({ hasText: "Live" }).waitFor();
    await phone.goto(`${stack.url}/devboxes`);
    const label = (name: string) => phone.page.getByLabel(name, { exact: true });
    await phone.page.locator(".public-key code").waitFor();
    const key = await phone.page.locator(".public-key code").innerText();
    box.put(".ssh/authorized_keys", `${key}\n`);
    await label("Name").fill("beside");
    await label("Host").fill(gateway);
    await label("User").fill(box.user ?? "root");
    await label("Port").fill(String(box.port));
    await phone.button("Add and test").tap();
    const shown = await phone.reads(phone.page.locator("dialog .command"), /SHA256:/, {
      timeout: PATIENT_MS,
    });
    await phone.picture("container-host-key");
    await phone.button("It is").tap();
    await phone.reads(phone.page.locator(".devbox"), /Reached now/, { timeout: PATIENT_MS });
    await phone.button("New session: beside").tap();
    await label("Directory").fill("~/shop");
    await label("First message").fill("RUN: echo done-there >result.txt");
    await phone.button("Start").tap();
    await phone.reads(phone.part("badge"), /beside/, { timeout: PATIENT_MS });
    await phone.picture("container-session");
    await phone.page.locator("a.ask-bar:visible").tap({ timeout: PATIENT_MS });
    await cardReady(phone, "Run this command?");
    await phone.part("approve").tap();
    await outcome(phone, /Claude accepted/, PATIENT_MS);
    const file = join(box.home, "shop", "result.txt");
    await until("the command ran there", () => existsSync(file), PATIENT_MS);
    const environment = box
      .processes()
      .map((pid) => textOf(`/proc/${pid}/environ`) + textOf(`/proc/${pid}/cmdline`))
      .join("\n");
    await phone.goto(`${stack.url}/`);
    await phone.page.locator("a.row:visible").first().tap();
    await phone.part("more").tap();
    await phone.button("Stop …").tap();
    await phone.button("Stop Claude").tap();
    await phone.reads(phone.part("word"), /Ended/, { timeout: PATIENT_MS });
    // What stays is the connection that the server keeps for a minute: a shell that waits.
    const ours = () => box.processes().filter((pid) => textOf(`/proc/${pid}/comm`).trim() !== "cat");
    await until("the end of the session there", () => ours().length === 0, PATIENT_MS);
    await stack.command("devbox", "remove", "beside", "--yes");
    return {
      fingerprint: box.fingerprint(),
      shown,
      result: existsSync(file),
      left: ours().map(String),
      environment,
    };
  } finally {
    await browser.close();
  }
}
