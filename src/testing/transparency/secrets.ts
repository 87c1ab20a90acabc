// Every secret of a rig, in every form in which somebody could have written it down.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceId } from "../../protocol.ts";
import { deviceSecret } from "../../seal.ts";
import type { TestViewer } from "../viewer.ts";
import { type Rig, textOf } from "./rig.ts";

/** The master key, the secret of this machine's wrappers, the viewer's login. */
function secretsOf(rig: Rig, viewer: TestViewer): string[] {
  const key = readFileSync(join(rig.own, "data", "master.key"));
  const login = Buffer.from(viewer.cookie.split("=")[1] ?? "");
  const secrets = [key, deviceSecret(key, "local" as DeviceId), login].flatMap(forms);
  if (secrets.some((form) => form.length < 16)) throw new Error("that is no secret");
  return secrets;
}

function forms(bytes: Uint8Array): string[] {
  const encodings = ["latin1", "hex", "base64", "base64url"] as const;
  return encodings.map((encoding) => Buffer.from(bytes).toString(encoding).replace(/=+$/, ""));
}

/** Those of these processes whose environment or command line names a secret; one that has ended tells nobody. */
export function telling(rig: Rig, viewer: TestViewer, pids: number[]): number[] {
  const secrets = secretsOf(rig, viewer);
  return pids.filter((pid) => {
    const seen = textOf(`/proc/${pid}/environ`) + textOf(`/proc/${pid}/cmdline`);
    return secrets.some((secret) => seen.includes(secret));
  });
}
