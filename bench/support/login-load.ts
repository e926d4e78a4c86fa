// Logs in over and over, and prints what it took as JSON. Arguments: address, user, password, seconds, logins at the same time.
import { connect as connectTls } from "node:tls";
import { decodeHello } from "../../server/wire/hello.ts";
import { HttpReader } from "../../server/wire/http-head.ts";
import { encodePackRequest, PackResponseReader } from "../../server/wire/pack-message.ts";
import { Pack } from "../../server/wire/pack.ts";
import { hashPassword, secureResponse } from "../../server/wire/sha0.ts";
import { encodeSignatureRequest } from "../../server/wire/signature.ts";

const [address = "", user = "", password = "", seconds = "", concurrency = ""] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
const latenciesMs: number[] = [];
/** What went wrong, and how often. */
const failures: Record<string, number> = {};

await Promise.all(
  Array.from({ length: Number(concurrency) }, async () => {
    while (performance.now() < end) {
      const begin = performance.now();
      try {
        await login();
        latenciesMs.push(performance.now() - begin);
      } catch (error) {
        const { message } = error as Error;
        failures[message] = (failures[message] ?? 0) + 1;
      }
    }
  }),
);
console.log(JSON.stringify({ latenciesMs, failures }));

/** From the first packet of TCP to the welcome. */
function login(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: address, port: 5555, rejectUnauthorized: false });
    const http = new HttpReader();
    const response = new PackResponseReader(http);
    let state: "hello" | "welcome" = "hello";
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setNoDelay(true);
    socket.once("error", fail);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("secureConnect", () => socket.write(encodeSignatureRequest(address)));
    socket.on("data", (chunk: Buffer) => {
      http.push(chunk);
      const pack = response.read();
      if (pack === undefined) return;
      if (state === "hello") {
        state = "welcome";
        socket.write(
          encodePackRequest(loginPack(decodeHello(pack).random), { host: address, date: new Date() }),
        );
        return;
      }
      if (pack.int("error") !== 0 || !pack.has("session_key"))
        return fail(new Error(`error ${pack.int("error")}`));
      resolve();
      // In words: the session goes its own way.
      socket.removeAllListeners("data").end();
    });
  });
}

function loginPack(random: Uint8Array): Pack {
  return new Pack()
    .addStr("method", "login")
    .addStr("hubname", "DEFAULT")
    .addStr("username", user)
    .addInt("protocol", 0)
    .addInt("authtype", 1)
    .addData("secure_password", secureResponse(hashPassword(password, user), random))
    .addStr("client_str", "SoftEther VPN Client")
    .addInt("client_ver", 501)
    .addInt("client_build", 9674)
    .addStr("hello", "SoftEther VPN Client")
    .addInt("version", 501)
    .addInt("build", 9674)
    .addInt("client_id", 0)
    .addInt("max_connection", 1)
    .addInt("use_encrypt", 1)
    .addInt("use_compress", 0)
    .addInt("half_connection", 0)
    .addInt("qos", 0)
    .addData("unique_id", Buffer.alloc(20, 1));
}
