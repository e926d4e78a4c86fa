import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { arena, type Attack, type Battle } from "../support/attack.ts";
import { ask, callJsonRpc } from "../support/admin.ts";
import { keepUp } from "../support/traffic.ts";

/** Sends bytes over TLS, as often as `perSecond` says, each time on a connection of its own. */
async function sendAgainAndAgain(battle: Battle, perSecond: number, bytes: Buffer) {
  battle.begin();
  let [sent, failed, nextAt] = [0, 0, performance.now()];
  const localAddress = battle.localAddresses[0] ?? "";
  while (!battle.isOver()) {
    const { address: host, port } = battle;
    const socket = connectTls({ ...{ host, port, localAddress }, rejectUnauthorized: false });
    socket.on("error", () => failed++);
    socket.once("secureConnect", () => {
      sent++;
      socket.resume().end(bytes);
    });
    nextAt = Math.max(nextAt + 1000 / perSecond, performance.now() - 1000);
    await delay(Math.max(0, nextAt - performance.now()));
  }
  return { figures: { sent, failed } };
}

const perSecond = 66;

export const spacesInHead: Attack = {
  about: "heads of HTTP with thousands of spaces before what is not allowed, 66 a second",
  run: (battle) =>
    sendAgainAndAgain(
      battle,
      perSecond,
      Buffer.from(`GET / HTTP/1.1\r\nA:${" ".repeat(4_093)}\x01\r\n\r\n`, "latin1"),
    ),
};

export const hugeHeads: Attack = {
  about: "heads of HTTP of 128 lines that come byte by byte",
  async run(battle) {
    const line = Buffer.from(`A: ${"b".repeat(200)}\r\n`);
    battle.begin();
    const { done, failed } = await keepUp(battle, 100, async (index) => {
      const { address: host, port, localAddresses } = battle;
      const localAddress = localAddresses[index % localAddresses.length] ?? "";
      const socket = connectTls({ ...{ host, port, localAddress }, rejectUnauthorized: false });
      socket.on("error", () => {});
      socket.resume().once("secureConnect", () => socket.write("GET / HTTP/1.1\r\n"));
      let at = 0;
      const timer = setInterval(() => {
        if (socket.writable) socket.write(line.subarray(at % line.length, ++at % line.length || line.length));
      }, 10);
      await once(socket, "close").finally(() => clearInterval(timer));
    });
    return { figures: { closed: done, failed } };
  },
};

const foreign = "https://elsewhere.example";
const victim = "made-from-elsewhere";

/** What a browser that knows the password sends because a page of somebody else makes it. */
export const crossSite: Attack = {
  about: "requests of another site's page, with the password that the browser knows",
  async run(battle) {
    battle.begin();
    const { address: host } = battle;
    const auth = `administrator:${arena.adminPassword}`;
    const user = { HubName_str: arena.hub, Name_str: victim, AuthType_u32: 0 };
    const query = new URLSearchParams({ ...user, AuthType_u32: "0" }).toString();
    const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method: "CreateUser", params: user });
    const site = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" };
    const get = { host, auth, method: "GET", path: `/api/CreateUser?${query}` };
    const post = (headers: object) => ({ host, auth, headers: { "Content-Type": "text/plain", ...headers } });
    const requests = {
      "GET as of an image": [{ ...get, headers: { ...site, Referer: `${foreign}/` } }, ""],
      "GET without a word of where from": [get, ""],
      "POST of text with a foreign Origin": [post({ Origin: foreign, ...site }), body],
      "POST of text with a foreign Origin alone": [post({ Origin: foreign }), body],
      "POST of text with Origin null": [post({ Origin: "null" }), body],
      "POST of a form with a foreign Origin": [
        post({ Origin: foreign, "Content-Type": "application/x-www-form-urlencoded" }),
        body,
      ],
      "POST of JSON with a foreign Origin": [
        post({ Origin: foreign, "Content-Type": "application/json" }),
        body,
      ],
    } as const;
    const administrator = { host, user: "administrator", password: arena.adminPassword };
    const names = async () => {
      const users = await callJsonRpc(administrator, "EnumUser", { HubName_str: arena.hub });
      return (users as { UserList: { Name_str: string }[] }).UserList.map(({ Name_str }) => Name_str);
    };
    const faults: string[] = [];
    for (const [how, [options, content]] of Object.entries(requests)) {
      await ask(options, content).catch(() => undefined);
      if (!(await names()).includes(victim)) continue;
      faults.push(`${how} made a user`);
      await callJsonRpc(administrator, "DeleteUser", { HubName_str: arena.hub, Name_str: victim });
    }
    const preflight = await ask({ host, method: "OPTIONS", headers: { Origin: foreign } });
    return { faults, figures: { tried: Object.keys(requests).length, "OPTIONS status": preflight.status } };
  },
};
