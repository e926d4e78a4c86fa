import { passwordLimits } from "../../limits.ts";
import { unseenReasons } from "../../access/password-throttle.ts";
import { refuse, type Refusal } from "../../access/refusal.ts";
import type { Entered, Sessions } from "../../access/sessions.ts";
import { authenticationFailure } from "../../access/authentication-failure.ts";
import { placeProblem } from "../../access/standing.ts";
import type { VirtualHubs } from "../../access/virtual-hubs.ts";
import type { HubSettings, UserSettings } from "../../settings/hub-settings.ts";
import { Pack } from "../../wire/pack.ts";
import { errorPack, type ProtocolError } from "../../wire/protocol-error.ts";
import { changePassword, decodePasswordChange } from "./change-password.ts";
import type { ClientRequest, ClientAnswer, Join } from "./client-request.ts";
import { HubList } from "./enum-hubs.ts";
import { proofOf } from "./login-proof.ts";
import { decodeAdditionalConnect, decodeLogin, sessionKeyBytes } from "./messages/login.ts";
import { encodeAdditionalReply, encodeWelcome } from "./messages/welcome.ts";
import { negotiate } from "./negotiate.ts";
import { Session, type SessionEnvironment } from "./session.ts";

export interface ClientRequestsOptions {
  readonly hubs: VirtualHubs;
  /** Of now; the same list as long as nothing has changed. */
  readonly hubSettings: () => readonly HubSettings[];
  readonly sessions: Sessions;
  readonly environment: SessionEnvironment;
  /** Unix time in milliseconds. */
  readonly unixNow: () => number;
  /** Keeps a user's new settings; resolves when they are on the disk and hold. */
  readonly storeUser: (hubName: string, user: UserSettings) => Promise<void>;
}

/** Methods of the protocol that this server knows and does not serve. */
const unservedMethods: ReadonlyMap<string, ProtocolError> = new Map([["farm_connect", "notFarmController"]]);

/** Answers what clients ask for after the hello, and adds connections to the sessions that come of it. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions;
  /** By key, in hexadecimal. */
  readonly #entered = new Map<string, Entered<Session>>();
  /** When each user that has just changed its password did so, by hub and name, in milliseconds of the monotonic clock. */
  readonly #changes = new Map<string, number>();
  readonly #hubList: HubList;

  constructor(options: ClientRequestsOptions) {
    this.#options = options;
    this.#hubList = new HubList(options.hubSettings);
  }

  /** @throws {DecodeError} for a request that says nonsense, and nothing else */
  answer(request: ClientRequest): ClientAnswer | Promise<ClientAnswer> {
    const method = request.pack.str("method");
    switch (method) {
      case "login":
        return this.#login(request);
      case "additional_connect":
        return this.#addConnection(request);
      case "enum_hub":
        return { type: "reply", pack: this.#hubList.pack() };
      case "password":
        return this.#changePassword(request);
      default:
        return { type: "error", error: unservedMethods.get(method) ?? "protocol" };
    }
  }

  #login(request: ClientRequest): ClientAnswer | Promise<ClientAnswer> {
    const { environment, sessions } = this.#options;
    const login = decodeLogin(request.pack);
    const entry = sessions.enter(
      { ...login, ...request, proof: proofOf(login.authentication, request.challenge) },
      ({ onEnd, ...admitted }) => {
        const key = environment.randomBytes(sessionKeyBytes);
        return new Session({
          ...admitted,
          key,
          link: negotiate(login, admitted.policy, request.canLeaveTls),
          environment,
          onEnd: (reason, cause) => {
            this.#entered.delete(key.toString("hex"));
            onEnd(reason, cause);
          },
        });
      },
    );
    const answerTo = (result: Awaited<typeof entry>): ClientAnswer => {
      if (result.type === "refused") return answerOf(result);
      this.#entered.set(result.session.key.toString("hex"), result);
      return this.#welcome(request, result);
    };
    return entry instanceof Promise ? entry.then(answerTo) : answerTo(entry);
  }

  #welcome({ connectionName, peer }: ClientRequest, { session, hub }: Entered<Session>): ClientAnswer {
    return {
      type: "join",
      pack: encodeWelcome({
        sessionName: session.name,
        connectionName,
        sessionKey: session.key,
        sessionKey32: this.#options.environment.randomBytes(4).readUInt32BE(),
        ...session.link,
        policy: session.policy,
        message: hub.hub.settings.message,
      }),
      join: joinOf(session, peer.address),
    };
  }

  #addConnection({ pack, canLeaveTls, connectionName, peer }: ClientRequest): ClientAnswer {
    const { sessionKey } = decodeAdditionalConnect(pack);
    const entered = this.#entered.get(Buffer.from(sessionKey).toString("hex"));
    if (entered === undefined) return { type: "error", error: "sessionTimeout" };
    const { session, hub } = entered;
    const outside = placeProblem(hub.hub.settings, [peer.address]);
    if (outside !== undefined) {
      const description = `Connection "${connectionName}" of session "${session.name}"`;
      const asker = { description, connectionName, peer, userName: session.user.name };
      return answerOf(this.#options.sessions.refuse(hub, asker, refuse(...outside)));
    }
    if (!session.takesConnections) return { type: "error", error: "tooManyConnections" };
    if (!session.link.encrypt && !canLeaveTls) return { type: "error", error: "notSupported" };
    return {
      type: "join",
      pack: encodeAdditionalReply(session.nextDirection()),
      join: joinOf(session, peer.address),
    };
  }

  async #changePassword({
    pack,
    challenge,
    peer,
    gone,
    connectionName,
  }: ClientRequest): Promise<ClientAnswer> {
    const change = decodePasswordChange(pack);
    const { userName } = change;
    const live = this.#options.hubs.find(change.hubName);
    if (live === undefined) return { type: "error", error: "hubNotFound" };
    const attempt = await this.#options.sessions.throttled(
      live,
      { peer, userName, gone },
      () => changePassword(live.hub.settings, change, { random: challenge, now: this.#options.unixNow() }),
      ({ type }) => type === "changed",
    );
    const result =
      attempt === "too many"
        ? refuse("oldPasswordWrong", unseenReasons[attempt])
        : attempt === "gone"
          ? refuse("disconnected", unseenReasons[attempt])
          : attempt;
    const who = `Password of user "${userName}" from ${peer.address}`;
    const event = { event: "password-change", user: userName, peer: peer.address };
    if (result.type === "refused") {
      live.log.security(`${who}: not changed: ${result.reason}.`, { ...event, result: result.error });
      if (result.error === "oldPasswordWrong") {
        live.log.security(authenticationFailure(connectionName, userName, peer.address), {
          asItIs: true,
          peer: peer.address,
        });
      }
      return { type: "error", error: result.error };
    }
    if (!this.#mayChange(`${live.hub.settings.name}/${result.user.name}`)) {
      live.log.security(`${who}: not changed: it was changed just now.`, {
        ...event,
        result: "serverCannotAccept",
      });
      return { type: "error", error: "serverCannotAccept" };
    }
    await this.#options.storeUser(live.hub.settings.name, result.user);
    live.log.security(`${who}: changed.`, { ...event, result: "done" });
    return { type: "reply", pack: new Pack().addInt("error", 0) };
  }

  /** Whether a user may change its password now: each change is a write to the disk. */
  #mayChange(account: string): boolean {
    const now = this.#options.environment.now();
    for (const [other, changedAt] of this.#changes) {
      if (now - changedAt < passwordLimits.changeMs) break;
      this.#changes.delete(other);
    }
    if (this.#changes.has(account)) return false;
    this.#changes.set(account, now);
    return true;
  }
}

/** The direction is decided when the answer is made, and the connection added right after it. */
function joinOf(session: Session, peerAddress: string): Join {
  const direction = session.nextDirection();
  return {
    encrypt: session.link.encrypt,
    attach: (connection) =>
      session.takesConnections ? session.add(connection, direction, peerAddress) : undefined,
  };
}

function answerOf({ error, noSavePassword }: Refusal): ClientAnswer {
  return { type: "error", error, pack: errorPack(error, { noSavePassword }) };
}
