import { once } from "node:events";
import { rpcLimits } from "../../server/limits.ts";
import { Pack } from "../../server/wire/pack.ts";
import { ask, callJsonRpc, keptConnections, type Credentials } from "../support/admin.ts";
import { arena, type Attack, type Battle } from "../support/attack.ts";
import { RpcConnection } from "../support/rpc-connection.ts";
import { keepUp } from "../support/traffic.ts";

const hubAdministrator = ({ address }: Battle): Credentials => ({
  host: address,
  user: arena.hub,
  password: arena.hubPassword,
});
const serverAdministrator = ({ address }: Battle, password: string = arena.adminPassword): Credentials => ({
  host: address,
  user: "administrator",
  password,
});

export const formerPassword: Attack = {
  about: "administrators go on by a connection from before their password was changed",
  leavesSettings: true,
  async run(battle) {
    const faults: string[] = [];
    const other = "another password";
    const mustNotGoOn = async (who: string, connection: RpcConnection) => {
      const answer = await connection.call("EnumHub").catch(() => "closed");
      if (answer === 0) faults.push(`${who} still administers`);
      connection.socket.destroy();
    };
    const ofServer = await RpcConnection.open(battle, "", arena.adminPassword);
    const ofHub = await RpcConnection.open(battle, arena.hub, arena.hubPassword);
    // Done before others are watched, and put back: the administrator on the server's host knows one password.
    const set = (by: string, PlainTextPassword_str: string) =>
      callJsonRpc(serverAdministrator(battle, by), "SetServerPassword", { PlainTextPassword_str });
    await set(arena.adminPassword, other);
    await mustNotGoOn("who knew the server's former password", ofServer);
    await set(other, arena.adminPassword);
    battle.begin();
    await callJsonRpc(serverAdministrator(battle), "SetHub", {
      HubName_str: arena.hub,
      AdminPasswordPlainText_str: other,
      Online_bool: true,
      HubType_u32: 0,
    });
    await mustNotGoOn("who knew the hub's former password", ofHub);
    return { faults };
  },
};

export const wrongPasswords: Attack = {
  about: "24 wrong passwords of the administrator at a time from the server's host, the right one beside",
  from: "host",
  async run(battle) {
    battle.begin();
    const { done, failed } = await keepUp(battle, 24, async () => {
      await callJsonRpc(
        { ...serverAdministrator(battle), password: "wrong" },
        "Test",
        {},
        { timeout: 60_000 },
      );
    });
    return { figures: { refused: failed }, faults: done > 0 ? ["a wrong password was taken"] : [] };
  },
};

/** From one of the attacker's addresses. */
function openRpc(battle: Battle, index: number, hub: string, password: string): Promise<RpcConnection> {
  const localAddress = battle.localAddresses[index % battle.localAddresses.length] ?? "";
  return RpcConnection.open({ ...battle, localAddress }, hub, password);
}

/** The server's administrator beside those of hubs: logs in and calls, on one connection after the other. */
async function administerBeside(battle: Battle): Promise<string[]> {
  const { done, failed } = await keepUp(battle, 1, async () => {
    const connection = await openRpc(battle, 0, "", arena.adminPassword);
    await connection.call("EnumHub");
    connection.socket.destroy();
  });
  return failed > 0 ? [`the server's administrator was refused ${failed} times of ${done + failed}`] : [];
}

export const hubConnections: Attack = {
  about: "a hub's administrator holds as many connections as it gets, and tries to hold 64",
  async run(battle) {
    battle.begin();
    let held = 0;
    const connections = keepUp(battle, 64, async (index) => {
      const { socket } = await openRpc(battle, index, arena.hub, arena.hubPassword);
      held++;
      await Promise.race([once(socket, "close"), battle.end]);
      socket.destroy();
    });
    const [{ failed }, faults] = await Promise.all([connections, administerBeside(battle)]);
    return { faults, figures: { held, refused: failed } };
  },
};

/** On each kind of connections: together a hub has no more places. */
const callers = rpcLimits.connectionsPerHub / 2;

export const hubCalls: Attack = {
  about:
    "a hub's administrator calls without a pause on all connections that it may have, half of them over HTTP",
  async run(battle) {
    const agent = keptConnections(callers);
    const credentials = hubAdministrator(battle);
    const held = await Promise.all(
      Array.from({ length: callers }, (_, index) => openRpc(battle, index, arena.hub, arena.hubPassword)),
    );
    battle.begin();
    const overPack = keepUp(battle, callers, async (index) => {
      const error = await held[index]?.call("EnumHub");
      if (error !== 0) throw new Error(`error ${error}`);
    });
    const overHttp = keepUp(battle, callers, async () => {
      await callJsonRpc(credentials, "GetHubStatus", { HubName_str: arena.hub }, { agent });
    });
    const [pack, http, faults] = await Promise.all([overPack, overHttp, administerBeside(battle)]);
    agent.destroy();
    // Each has its place, or this is another attack than it says to be.
    const refused = pack.failed + http.failed;
    return {
      faults: refused > 0 ? [...faults, `the hub's administrator was refused ${refused} times`] : faults,
      figures: { "calls over PACK": pack.done, "calls over HTTP": http.done },
    };
  },
};

const calls = 64;

export const deepJson: Attack = {
  about: "a hub's administrator sends JSON that is nested millions deep",
  memoryMb: 700,
  async run(battle) {
    const agent = keptConnections(4);
    const depth = 4_000_000;
    const bodies = [
      "[".repeat(depth),
      "[".repeat(depth / 2) + "]".repeat(depth / 2),
      '{"a":'.repeat(depth / 4),
    ];
    battle.begin();
    const { user, password, host } = hubAdministrator(battle);
    const headers = {
      "Content-Type": "application/json",
      "X-VPNADMIN-HUBNAME": user,
      "X-VPNADMIN-PASSWORD": password,
    };
    const { done, failed } = await keepUp(battle, 2, async (index) => {
      await ask({ host, agent, headers }, bodies[index % bodies.length]);
    });
    agent.destroy();
    return { figures: { answered: done, failed } };
  },
};

export const manyCalls: Attack = {
  about: "a hub's administrator lists everything as fast as it can, by 16 connections",
  leavesSettings: true,
  async run(battle) {
    const agent = keptConnections(16);
    const credentials = hubAdministrator(battle);
    const params = { HubName_str: arena.hub };
    const methods = ["EnumLogFile", "EnumSession", "EnumUser", "GetHubStatus", "EnumMacTable", "EnumHub"];
    // Thousands of users make each list long.
    for (let index = 0; index < 2_000; index += calls) {
      await Promise.all(
        Array.from({ length: calls }, (_, offset) =>
          callJsonRpc(
            credentials,
            "CreateUser",
            { ...params, Name_str: `user-${index + offset}`, AuthType_u32: 0 },
            { agent },
          ),
        ),
      );
    }
    battle.begin();
    const { done, failed } = await keepUp(battle, 16, async (index) => {
      await callJsonRpc(credentials, methods[index % methods.length] ?? "", params, { agent });
    });
    agent.destroy();
    return { figures: { answered: done, failed } };
  },
};

export const packBombs: Attack = {
  about: "a hub's administrator sends PACKs with as many values as there may be, and with more",
  memoryMb: 700,
  async run(battle) {
    battle.begin();
    const numbers = Array.from({ length: 65_536 }, (_, index) => index);
    const { done, failed } = await keepUp(battle, 4, async (index) => {
      const connection = await RpcConnection.open(battle, arena.hub, arena.hubPassword);
      if (index % 2 === 0) {
        const pack = new Pack();
        for (let each = 0; each < 20; each++) pack.add(`Value${each}`, { type: "int", values: numbers });
        await connection.call("EnumHub", pack);
      } else {
        // 4,294,967,295 elements in 16 bytes.
        connection.socket.write(Buffer.from("00000010ffffffff000000026100000000ffffffff", "hex"));
        await Promise.race([once(connection.socket, "close"), battle.end]);
      }
      connection.socket.destroy();
    });
    return { figures: { done, failed } };
  },
};
