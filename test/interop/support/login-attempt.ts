import { connect as connectTls } from "node:tls";
import { decodeHello } from "../../../server/wire/hello.ts";
import { HttpReader } from "../../../server/wire/http-head.ts";
import { encodePackRequest, PackResponseReader } from "../../../server/wire/pack-message.ts";
import { Pack } from "../../../server/wire/pack.ts";
import { encodeSignatureRequest } from "../../../server/wire/signature.ts";

export interface AttemptFrom {
  readonly host: string;
  readonly port: number;
  /** Where the connection comes from. */
  readonly localAddress: string;
}

/**
 * Asks a server for something as no honest client would: with whatever texts.
 *
 * @param request made of the server's challenge
 * @returns the error that the server answered with, 0 for none
 */
export function attempt(from: AttemptFrom, request: (challenge: Uint8Array) => Pack): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...from, rejectUnauthorized: false });
    const http = new HttpReader();
    const response = new PackResponseReader(http);
    let isAsked = false;
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without an answer")));
    socket.once("secureConnect", () => socket.write(encodeSignatureRequest(from.host)));
    socket.on("data", (chunk: Buffer) => {
      http.push(chunk);
      const pack = response.read();
      if (pack === undefined) return;
      if (isAsked) {
        resolve(pack.int("error"));
        socket.destroy();
        return;
      }
      isAsked = true;
      const asked = request(decodeHello(pack).random);
      socket.write(encodePackRequest(asked, { host: from.host, date: new Date() }));
    });
  });
}

/** A login of a VPN client; `product` is what it calls itself. */
export function loginPack(hub: string, user: string, response: Uint8Array, product: string): Pack {
  return new Pack()
    .addStr("method", "login")
    .addStr("hubname", hub)
    .addStr("username", user)
    .addInt("authtype", 1)
    .addData("secure_password", response)
    .addStr("client_str", product)
    .addStr("hello", product)
    .addInt("max_connection", 1)
    .addInt("use_encrypt", 1)
    .addData("unique_id", Buffer.alloc(20, 1));
}
