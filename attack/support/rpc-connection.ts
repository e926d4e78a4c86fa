import type { TLSSocket } from "node:tls";
import { request } from "../../bench/support/vpn-client.ts";
import { rpcPackLimits } from "../../server/limits.ts";
import { ByteQueue } from "../../server/wire/byte-queue.ts";
import { decodePack, encodePack, Pack } from "../../server/wire/pack.ts";
import { hashAdminPassword, secureResponse } from "../../server/wire/sha0.ts";

/** A connection of the administration as `vpncmd` has it, which stays open. */
export class RpcConnection {
  readonly socket: TLSSocket;
  readonly #queue = new ByteQueue();

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => this.#queue.push(bytes)).resume();
  }

  /** @param hub empty for the server's administrator */
  static async open(
    from: Parameters<typeof request>[0],
    hub: string,
    password: string,
  ): Promise<RpcConnection> {
    const { socket, answer } = await request(from, (challenge) => {
      const pack = new Pack().addStr("method", "admin").addStr("client_str", "attack");
      if (hub !== "") pack.addStr("hubname", hub);
      return pack.addData("secure_password", secureResponse(hashAdminPassword(password), challenge));
    });
    const error = answer.int("error");
    if (error === 0) return new RpcConnection(socket);
    socket.destroy();
    throw new Error(`error ${error}`);
  }

  /** @returns the error of the answer, 0 for none */
  call(method: string, fields = new Pack()): Promise<number> {
    const body = encodePack(fields.addStr("function_name", method));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return new Promise((resolve, reject) => {
      let size: number | undefined;
      const receive = () => {
        size ??= this.#queue.take(4)?.readUInt32BE();
        const bytes = size === undefined ? undefined : this.#queue.take(size);
        if (bytes !== undefined) settle(() => resolve(decodePack(bytes, rpcPackLimits).int("error")));
      };
      const closed = () => settle(() => reject(new Error("closed")));
      const settle = (how: () => void) => {
        this.socket.off("data", receive).off("close", closed);
        how();
      };
      if (this.socket.destroyed) return void reject(new Error("closed"));
      this.socket.on("data", receive).once("close", closed);
      this.socket.write(Buffer.concat([length, body]));
    });
  }
}
