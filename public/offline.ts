// The last known list, kept on this phone where its owner wants that: what a page without a connection begins with.
import type { Kept, Model } from "./model.ts";
import { KEPT_DATABASE, preference } from "./preferences.ts";

const STORE = "list";
const KEY = "last";
/** Changes within this time are written once. */
const WRITE_EVERY_MS = 5_000;
/** Bytes of JSON. Without their prompts the sessions fit always; a prompt may hold a whole file. */
const MAX_KEPT = 2_000_000;

let stop: (() => void) | null = null;

/** Shows what was kept, if the server has not spoken yet, and keeps what it says from now on. */
export async function keepList(model: Model) {
  if (model.connection.kind === "logged_out") return; // To look for it would make it anew.
  stop?.();
  stop = follow(model);
  const kept = await within<Kept | undefined>("readonly", (store) => store.get(KEY)).catch(() => undefined);
  if (kept) model.restore(kept);
}

/** Nothing is kept any more. */
export function dropList() {
  stop?.();
  stop = null;
  indexedDB.deleteDatabase(KEPT_DATABASE);
}

function follow(model: Model): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const save = () => {
    clearTimeout(timer);
    timer = undefined;
    const now = model.keepable();
    // After the end of a login nothing is written, not even by a page that is just being left.
    if (!now || model.connection.kind === "logged_out" || preference("keep") === "off") return;
    const small = JSON.stringify(now).length <= MAX_KEPT ? now : { ...now, prompts: [] };
    within("readwrite", (store) => store.put(small, KEY)).catch(() => {}); // A full or private store keeps nothing.
  };
  const hidden = () => document.visibilityState === "hidden" && save();
  document.addEventListener("visibilitychange", hidden);
  save();
  const unsubscribe = model.subscribe(() => {
    timer ??= setTimeout(save, WRITE_EVERY_MS);
  });
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", hidden);
    unsubscribe();
  };
}

/** One transaction, and the database closed again: an open one could not be deleted. */
async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const opening = indexedDB.open(KEPT_DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled<IDBDatabase>(opening);
  try {
    return await settled<T>(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function settled<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
