// A wrapper that should not be there: the same session connected twice, with what was true some time ago.
import type { ServerMessage, WrapperMessage } from "../../protocol.ts";
import { type Channel, ClientHandshake, deviceSecret } from "../../seal.ts";
import { LOCAL_DEVICE } from "../../server/server.ts";
import type { Socket } from "../../wrapper/link.ts";
import { owner } from "./time.ts";
import type { World } from "./world.ts";
import type { WrapperProcess } from "./wrapper.ts";

/** Connects as that session, says again what it had said up to some moment, and leaves after so many ms. */
export function twin(world: World, wrapper: WrapperProcess, said: readonly WrapperMessage[], ms: number) {
  wrapper.doubled = true;
  const place = { ...wrapper.place, owner: owner("a twin") };
  const secret = deviceSecret(world.server.masterKey, LOCAL_DEVICE);
  const handshake = new ClientHandshake({ device: LOCAL_DEVICE, secret });
  let socket: Socket | null = null;
  let channel: Channel | null = null;
  const state = (opened: Channel) => {
    channel = opened;
    world.history.note("a twin", `speaks as ${wrapper.id}`);
    for (const message of said) socket?.send(opened.seal(JSON.stringify(message)));
  };
  socket = world.network.connect(place)({
    received(frame) {
      if (channel && typeof frame !== "string") {
        const message = read(channel, frame);
        if (message === null) return socket?.close();
        if (message.type === "answer") world.history.note("a twin", `is given ${message.answer_id}`);
        return;
      }
      const step = handshake.receive(String(frame));
      if (step.step === "send") socket?.send(step.send);
      if (step.step === "open") state(step.channel);
    },
    closed() {},
  });
  world.time.after(ms, place.owner, () => socket?.close());
}

/** What a frame says, or null where somebody in the middle changed it. */
function read(channel: Channel, frame: Uint8Array): ServerMessage | null {
  try {
    return JSON.parse(channel.open(frame));
  } catch {
    return null;
  }
}
