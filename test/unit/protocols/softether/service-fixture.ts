import assert from "node:assert/strict";
import { passwordLimits, sessionLimits } from "../../../../server/limits.ts";
import { createFreeTime } from "../../hub/free-time.ts";
import { Hub, type HubEnvironment } from "../../../../server/hub/hub.ts";
import type { HubPort } from "../../../../server/hub/hub-port.ts";
import type { HubSettings, UserSettings } from "../../../../server/settings/hub-settings.ts";
import type { ClientAnswer } from "../../../../server/protocols/softether/client-request.ts";
import type { SessionConnection } from "../../../../server/protocols/softether/session-connection.ts";
import { ClientRequests } from "../../../../server/protocols/softether/client-requests.ts";
import { Sessions } from "../../../../server/access/sessions.ts";
import { PasswordThrottle } from "../../../../server/access/password-throttle.ts";
import { QueueMemory } from "../../../../server/protocols/softether/queue-memory.ts";
import { SlabPool } from "../../../../server/protocols/softether/slab-pool.ts";
import { VirtualHubs } from "../../../../server/access/virtual-hubs.ts";
import { atOnce } from "../../../../server/turns.ts";
import { Pack } from "../../../../server/wire/pack.ts";
import { hashPassword, secureResponse } from "../../../../server/wire/sha0.ts";
import { ManualClock, neverGone } from "../../access/manual-clock.ts";
import { hubOf, now as startOfTests, random, userOf } from "../../access/login-fixture.ts";

/** A hub that tells what is plugged into it. */
class RecordingHub extends Hub {
  readonly #plugged: Set<string>;

  constructor(environment: HubEnvironment, plugged: Set<string>) {
    super(environment);
    this.#plugged = plugged;
  }

  override attach(port: HubPort): ReturnType<Hub["attach"]> {
    const attachment = super.attach(port);
    this.#plugged.add(port.name);
    return {
      ...attachment,
      detach: () => {
        this.#plugged.delete(port.name);
        attachment.detach();
      },
    };
  }
}

/** A service with its hubs. */
export function setUp(hubs: readonly HubSettings[] = [hubOf({ users: [userOf("alice"), userOf("bob")] })]) {
  let now = startOfTests;
  let bytes = 0;
  const plugged = new Set<string>();
  const security: string[] = [];
  const stored: { hub: string; user: UserSettings }[] = [];
  const throttleClock = new ManualClock();
  const virtualHubs = new VirtualHubs({
    createHub: (settings, log) =>
      new RecordingHub(
        {
          settings,
          log,
          now: () => now,
          random: () => 0.5,
          schedule: () => () => {},
          time: createFreeTime(),
        },
        plugged,
      ),
    createLog: (hub) => ({ security: (line) => security.push(`${hub}: ${line}`), packet: () => {} }),
    unixNow: () => now,
  });
  virtualHubs.apply(hubs);
  const sessions = new Sessions({
    hubs: virtualHubs,
    unixNow: () => now,
    tellServer: (line) => security.push(`server: ${line}`),
    throttle: new PasswordThrottle(throttleClock),
  });
  const requests = new ClientRequests({
    hubs: virtualHubs,
    hubSettings: () => hubs,
    sessions,
    environment: {
      now: () => now,
      randomBytes: (count) => Buffer.alloc(count, ++bytes),
      randomInt: (least) => least,
      slabs: new SlabPool(),
      memory: new QueueMemory(sessionLimits.totalQueueBytes),
    },
    unixNow: () => now,
    storeUser: async (hub, user) => void stored.push({ hub, user }),
  });
  let connections = 0;
  const ask = (pack: Pack, { canLeaveTls = true, address = "192.0.2.9", gone = neverGone } = {}) =>
    requests.answer({
      pack,
      challenge: Buffer.from(random),
      connectionName: `CID-${++connections}`,
      peer: { address, port: 50_000 },
      gone,
      canLeaveTls,
    });
  return {
    sessions,
    hubs: virtualHubs,
    plugged,
    security,
    stored,
    /** Lets those who wait for a look at their password go on. */
    goOn: () => throttleClock.pass(2 * passwordLimits.longestDelayMs),
    ask,
    pass: (ms: number) => {
      now += ms;
      atOnce(sessions.tick());
    },
  };
}

export function loginPack(
  user = "alice",
  changed: Record<string, number> = {},
  hub = "DEFAULT",
  password = "secret",
): Pack {
  const pack = new Pack()
    .addStr("method", "login")
    .addStr("hubname", hub)
    .addStr("username", user)
    .addInt("authtype", 1)
    .addData("secure_password", secureResponse(hashPassword(password, user), random))
    .addStr("hello", "SoftEther VPN Client");
  for (const [name, value] of Object.entries({ max_connection: 8, use_encrypt: 1, ...changed })) {
    pack.addInt(name, value);
  }
  return pack;
}

export const passwordPack = (old: string) =>
  new Pack()
    .addStr("method", "password")
    .addStr("hubname", "default")
    .addStr("username", "alice")
    .addData("secure_old_password", secureResponse(hashPassword(old, "alice"), random))
    .addData("new_password", hashPassword("new", "alice"));

export const addPack = (key: Uint8Array) =>
  new Pack().addStr("method", "additional_connect").addData("session_key", key);

/** The answer's error, by name, or what else it is. */
export function errorOf(answer: ClientAnswer | Promise<ClientAnswer>): string {
  assert.ok(!(answer instanceof Promise));
  return answer.type === "error" ? answer.error : answer.type;
}

/** Joins a session, as the connection would. */
export function join(answer: ClientAnswer | Promise<ClientAnswer>) {
  assert.ok(!(answer instanceof Promise) && answer.type === "join");
  const connection = {
    name: "",
    closed: false,
    send: () => {},
    hold: () => {},
    goOn: () => {},
    close: () => void (connection.closed = true),
  };
  const events = answer.join.attach(connection satisfies SessionConnection);
  return { pack: answer.pack, encrypt: answer.join.encrypt, connection, events };
}
