// A dialog that asks before something that cannot be taken back.
import { fromTemplate, part, setMarked } from "./dom.ts";

/** Without `yes` there is nothing to agree to, only to read. */
export type Ask = { title: string; text: string; yes?: string; danger?: boolean; body?: HTMLElement };

/** Asks; true only for the button that says so. Esc, Back, Cancel and Close are no. */
export function confirm({ title, text, yes, danger, body }: Ask): Promise<boolean> {
  const dialog = fromTemplate("dialog");
  if (!(dialog instanceof HTMLDialogElement)) throw new Error("The dialog template is not a dialog");
  setMarked(part(dialog, "title", HTMLElement), title); // It may name what others have named.
  setMarked(part(dialog, "text", HTMLElement), text);
  const agree = part(dialog, "yes", HTMLButtonElement);
  agree.textContent = yes ?? "";
  agree.classList.add(danger ? "danger" : "approve");
  if (yes === undefined) {
    agree.remove();
    part(dialog, "no", HTMLElement).textContent = "Close";
  }
  if (body) part(dialog, "body", HTMLElement).append(body);
  document.body.append(dialog);
  dialog.showModal();
  part(dialog, "no", HTMLElement).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

/** Closes what is open; nobody agreed. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close("no");
}
