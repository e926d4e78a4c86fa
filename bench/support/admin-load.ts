import { Agent, request } from "node:https";

/**
 * Administers a server on this host over JSON-RPC, on connections that stay open, and prints what it measured as JSON: makes
 * users one after the other, then several at a time, and lists them all; then some more that each have to be on the disk before the
 * next.
 *
 * Arguments: port, users of each kind, number at a time; `flush` where a server has to be told to write to the disk.
 */
const [port = 0, count = 0, atOnce = 0] = process.argv.slice(2).map(Number);
const hasToBeTold = process.argv[5] === "flush";
const agent = new Agent({ keepAlive: true, maxSockets: atOnce, rejectUnauthorized: false });

function call(method: string, params: object): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method, params });
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ agent, host: "127.0.0.1", port, path: "/api/", method: "POST" },
        // The official server reads no header with an empty value.
        auth: "administrator:",
        headers: { "Content-Length": Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const answer = Buffer.concat(chunks).toString();
          if (answer.startsWith('{"result":') || answer.includes('"result":')) resolve();
          else reject(new Error(`${method}: ${response.statusCode} ${answer.slice(0, 200)}`));
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const createUser = (name: string) =>
  call("CreateUser", {
    HubName_str: "DEFAULT",
    Name_str: name,
    Realname_utf: "A user of the benchmark",
    AuthType_u32: 1,
    Auth_Password_str: "secret",
  });

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

await createUser("first");
const inARow = await seconds(async () => {
  for (let index = 0; index < count; index++) await createUser(`row-${index}`);
});
const together = await seconds(() =>
  Promise.all(
    Array.from({ length: atOnce }, async (_, worker) => {
      for (let index = worker; index < count; index += atOnce) await createUser(`together-${index}`);
    }),
  ),
);
const list = await seconds(() => call("EnumUser", { HubName_str: "DEFAULT" }));
const onDisk = await seconds(async () => {
  for (let index = 0; index < count / 10; index++) {
    await createUser(`disk-${index}`);
    if (hasToBeTold) await call("Flush", {});
  }
});
console.log(
  JSON.stringify({
    inARow: count / inARow,
    together: count / together,
    listMs: list * 1000,
    onDisk: count / 10 / onDisk,
  }),
);
agent.destroy();
