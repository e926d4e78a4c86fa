import { createCipheriv, createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";

/**
 * Both ends of transfers whose sizes, order and pace are by chance. `serve` listens on port 8080 and says `ready`; `ask ADDRESS COUNT
 * AT_ONCE SEED` makes so many transfers, prints a line of each one that went wrong, and how many there were at the end.
 *
 * A connection begins with its plan in 16 bytes: seed, bytes to the server, bytes to the client (`u32` each, big-endian), and who ends
 * first. The server ends with the SHA-256 of what it got.
 */
interface Plan {
  readonly seed: number;
  readonly up: number;
  readonly down: number;
  readonly endsFirst: "client" | "server";
}

const planBytes = 16;
const hashBytes = 32;
const port = 8_080;
const mostBytes = 200_000;
/** A transfer over the worst link takes some seconds. */
const timeoutMs = 90_000;

function writePlan({ seed, up, down, endsFirst }: Plan): Buffer {
  const bytes = Buffer.alloc(planBytes);
  [seed, up, down, endsFirst === "client" ? 1 : 0].forEach((value, index) =>
    bytes.writeUInt32BE(value, 4 * index),
  );
  return bytes;
}

function readPlan(bytes: Buffer): Plan {
  const [seed = 0, up = 0, down = 0, first] = [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at));
  return { seed, up, down, endsFirst: first === 1 ? "client" : "server" };
}

/** Bytes that the seed and the direction decide. */
function bytesOf(seed: number, direction: "up" | "down", count: number): Buffer {
  const key = createHash("sha256").update(`${seed} ${direction}`).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(count));
}

const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest();

/** Numbers from 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let block = hashOf(Buffer.from(String(seed)));
  return () => (block = hashOf(block)).readUInt32BE() / 2 ** 32;
}

/** Writes in parts of any size, now and then with a pause between two. */
async function writeAll(socket: Socket, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed;) {
    const part = bytes.subarray(at, at + 1 + Math.floor(random() ** 3 * 60_000));
    at += part.length;
    if (!socket.write(part))
      await new Promise<void>((resolve) => void socket.once("drain", resolve).once("close", resolve));
    if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 20 * random()));
  }
}

/** Now and then reads nothing for a while. */
function readSlowly(socket: Socket, random: () => number): void {
  socket.on("data", () => {
    if (random() > 0.05) return;
    socket.pause();
    setTimeout(() => socket.resume(), 30 * random());
  });
}

function serve(): void {
  createServer({ allowHalfOpen: true }, (socket) => {
    let plan: Plan | undefined;
    let got = Buffer.alloc(0);
    const heard = Promise.withResolvers<undefined>();
    socket.on("error", () => heard.resolve(undefined));
    socket.on("end", () => heard.resolve(undefined));
    socket.on("data", (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (plan === undefined && got.length >= planBytes) void answer((plan = readPlan(got)));
      if (plan !== undefined && got.length >= planBytes + plan.up) heard.resolve(undefined);
    });
    const answer = async ({ seed, down, endsFirst }: Plan) => {
      const random = chance(seed + 1);
      readSlowly(socket, random);
      await writeAll(socket, bytesOf(seed, "down", down), random);
      await heard.promise;
      if (endsFirst === "client" && !socket.readableEnded && !socket.destroyed)
        await new Promise<void>((resolve) => void socket.once("end", resolve).once("close", resolve));
      socket.end(hashOf(got.subarray(planBytes)));
    };
  }).listen(port, () => console.log("ready"));
  process.stdin.resume().once("end", () => process.exit());
}

/** What went wrong; nothing if all is right. */
function transfer(host: string, plan: Plan): Promise<string | undefined> {
  return new Promise((resolve) => {
    const random = chance(plan.seed);
    const [up, down] = [bytesOf(plan.seed, "up", plan.up), bytesOf(plan.seed, "down", plan.down)];
    const parts: Buffer[] = [];
    let failure: string | undefined;
    const socket = connect({ host, port, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
    readSlowly(socket, random);
    socket.on("data", (chunk) => parts.push(chunk));
    socket.on("error", (error) => (failure = error.message));
    socket.on("end", () => void (plan.endsFirst === "server" && socket.end()));
    socket.on("close", () => {
      clearTimeout(timer);
      const got = Buffer.concat(parts);
      if (got.length !== plan.down + hashBytes) failure ??= `${got.length} bytes came`;
      else if (!got.subarray(0, plan.down).equals(down)) failure ??= "other bytes came down";
      else if (!got.subarray(plan.down).equals(hashOf(up))) failure ??= "other bytes went up";
      resolve(failure);
    });
    socket.write(writePlan(plan));
    void writeAll(socket, up, random).then(() => plan.endsFirst === "client" && socket.end());
  });
}

async function ask([host = "", count = "", atOnce = "", seed = ""]: readonly string[]): Promise<void> {
  const random = chance(Number(seed));
  // Small ones are the most: their time is that of beginning and end.
  const size = () => (random() < 0.1 ? 0 : Math.floor(random() ** 4 * mostBytes));
  let [begun, right, bytes] = [0, 0, 0];
  const lane = async () => {
    while (begun < Number(count)) {
      begun++;
      const endsFirst = random() < 0.5 ? "client" : "server";
      const plan: Plan = { seed: Math.floor(random() * 2 ** 32), up: size(), down: size(), endsFirst };
      const failure = await transfer(host, plan);
      if (failure === undefined) right++;
      else console.log(`${failure}: ${JSON.stringify(plan)}`);
      bytes += plan.up + plan.down;
    }
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, lane));
  console.log(`${right} right, ${bytes} bytes`);
}

const [role, ...words] = process.argv.slice(2);
if (role === "serve") serve();
else await ask(words);
