import { connect as connectTls, type TLSSocket } from "node:tls";
import { HttpReader } from "../../server/wire/http-head.ts";
import { encodePackRequest, PackResponseReader } from "../../server/wire/pack-message.ts";
import { Pack } from "../../server/wire/pack.ts";
import { encodeSignatureRequest } from "../../server/wire/signature.ts";
import type { Attack, Battle } from "../support/attack.ts";
import { keepUp } from "../support/traffic.ts";

export const hubNames: Attack = {
  about:
    "who has not logged in asks for the names of 10,000 hubs over and over, and reads no more than their begin",
  moreHubs: 10_000,
  // Of which most is that of the hubs.
  memoryMb: 1_200,
  async run(battle) {
    battle.begin();
    const { done, failed } = await keepUp(battle, 64, async (index) => {
      (await askForHubs(battle, index)).destroy();
    });
    return { figures: { asked: done, failed } };
  },
};

/** Resolves when the first bytes of the answer have come. */
function askForHubs({ address: host, port, localAddresses }: Battle, index: number): Promise<TLSSocket> {
  const localAddress = localAddresses[index % localAddresses.length] ?? "";
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...{ host, port, localAddress }, rejectUnauthorized: false });
    const http = new HttpReader();
    const reader = new PackResponseReader(http);
    socket.on("error", reject).once("close", () => reject(new Error("closed")));
    socket.once("secureConnect", () => socket.write(encodeSignatureRequest(host)));
    socket.on("data", (chunk: Buffer) => {
      http.push(chunk);
      if (reader.read() === undefined) return;
      socket.removeAllListeners("data").once("data", () => resolve(socket.pause()));
      const asked = new Pack().addStr("method", "enum_hub");
      socket.write(encodePackRequest(asked, { host, date: new Date() }));
    });
  });
}
