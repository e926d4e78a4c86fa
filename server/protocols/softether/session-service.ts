import type { HubEvent } from "../../hub/hub-log.ts";
import type { UserSettings } from "../../settings/hub-settings.ts";
import {
  decodeAdditionalConnect,
  decodeLogin,
  sessionKeyBytes,
  type LoginRequest,
} from "../../wire/login.ts";
import { Pack } from "../../wire/pack.ts";
import { errorPack, type ProtocolError } from "../../wire/protocol-error.ts";
import { encodeAdditionalReply, encodeWelcome } from "../../wire/welcome.ts";
import { admit, type Admission } from "../../access/admission.ts";
import { authenticationFailure } from "../../access/authentication-failure.ts";
import { authenticate, type Authenticated } from "../../access/authenticate.ts";
import { changePassword, decodePasswordChange } from "./change-password.ts";
import { enumHubs } from "./enum-hubs.ts";
import { isLoopback } from "../../ethernet/loopback.ts";
import type { Attempt, PasswordThrottle } from "../../access/password-throttle.ts";
import type { Join, MethodAnswer, MethodRequest } from "./method.ts";
import { refuse, type Refusal } from "../../access/refusal.ts";
import { Session, type SessionEnd, type SessionEnvironment } from "./session.ts";
import { placeProblem } from "../../access/standing.ts";
import {
  bridges,
  review,
  type HubSession,
  type LiveHub,
  type VirtualHubs,
} from "../../access/virtual-hubs.ts";

export interface SessionServiceOptions {
  readonly hubs: VirtualHubs;
  readonly environment: SessionEnvironment;
  /** Unix time in milliseconds. */
  readonly unixNow: () => number;
  /** Called with what concerns no hub, for the server log, and the same for programs. */
  readonly tellServer: (text: string, event: HubEvent) => void;
  /** Keeps a user's new settings; resolves when they are on the disk and hold. */
  readonly storeUser: (hubName: string, user: UserSettings) => Promise<void>;
  readonly throttle: PasswordThrottle;
}

/** Methods of the protocol that this server knows and does not serve. */
const unservedMethods: ReadonlyMap<string, ProtocolError> = new Map([["farm_connect", "notFarmController"]]);

/** Answers what clients ask for after the hello, and keeps the sessions that come of it. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  /** By key, in hexadecimal. */
  readonly #sessions = new Map<string, HubSession>();
  #closed = false;

  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  /** All sessions of clients, in the order in which they began. */
  get sessions(): Iterable<HubSession> {
    return this.#sessions.values();
  }

  /** @throws {DecodeError} for a request that says nonsense, and nothing else */
  answer(request: MethodRequest): MethodAnswer | Promise<MethodAnswer> {
    const method = request.pack.str("method");
    switch (method) {
      case "login":
        return this.#login(request);
      case "additional_connect":
        return this.#addConnection(request);
      case "enum_hub":
        return { type: "reply", pack: enumHubs([...this.#options.hubs].map(({ hub }) => hub.settings)) };
      case "password":
        return this.#changePassword(request);
      default:
        return { type: "error", error: unservedMethods.get(method) ?? "protocol" };
    }
  }

  /** Does what is due in every session. */
  tick(): void {
    const now = this.#options.unixNow();
    for (const entry of [...this.#sessions.values()]) {
      const why = now < entry.goodUntil ? undefined : review(entry, now);
      if (why === undefined) entry.session.tick();
      else entry.session.end(...why);
    }
  }

  /** Ends every session and takes no more. */
  close(): void {
    this.#closed = true;
    for (const { session } of [...this.#sessions.values()]) session.end("server stops");
  }

  #login(request: MethodRequest): MethodAnswer | Promise<MethodAnswer> {
    const login = decodeLogin(request.pack);
    const live = this.#options.hubs.find(login.hubName);
    const { address, port } = request.peer;
    const connection = `Connection "${request.connectionName}" (${login.client.product}, ${address}:${port})`;
    if (live === undefined) {
      const event = {
        ...{ event: "login-refused", hub: login.hubName, user: login.userName, peer: address },
        error: "hubNotFound",
      };
      this.#options.tellServer(`${connection}: refused: there is no hub "${login.hubName}".`, event);
      return { type: "error", error: "hubNotFound" };
    }
    if (this.#closed) return { type: "error", error: "serverCannotAccept" };
    const outside = placeProblem(live.hub.settings, [address]);
    if (outside !== undefined) return refused(live, connection, request, login.userName, refuse(...outside));
    const attempt = this.#options.throttle.attempt(
      address,
      accountOf(live, login.userName),
      () =>
        authenticate(live.hub.settings, login, {
          random: request.challenge,
          now: this.#options.unixNow(),
          loopback: isLoopback(address),
        }),
      ({ type }) => type === "authenticated",
    );
    const admitWith = (authenticated: Awaited<typeof attempt>) =>
      this.#admit(request, login, live, authenticated, connection);
    return attempt instanceof Promise ? attempt.then(admitWith) : admitWith(attempt);
  }

  #admit(
    request: MethodRequest,
    login: LoginRequest,
    live: LiveHub,
    authenticated: Attempt<Authenticated | Refusal>,
    connection: string,
  ): MethodAnswer {
    const { address } = request.peer;
    if (authenticated === "too many") {
      const busy = refuse("authenticationFailed", `too many wrong passwords of user "${login.userName}"`);
      return refused(live, connection, request, login.userName, busy);
    }
    if (authenticated.type === "refused") {
      return refused(live, connection, request, login.userName, authenticated);
    }
    // It may have waited since the hub was looked at.
    if (this.#closed) return { type: "error", error: "serverCannotAccept" };
    if (this.#options.hubs.find(login.hubName) !== live || !live.hub.settings.online) {
      return { type: "error", error: "hubStopped" };
    }
    live.log.security(
      `${connection}: user "${login.userName}" was authenticated by ${authenticated.method}.`,
    );
    const admission = admit(live.hub.settings, login, authenticated, {
      now: this.#options.unixNow(),
      address,
      hubSessions: [...live.sessions.values()].map((entry) => ({
        name: entry.session.name,
        userName: entry.session.user.name,
        nodeUniqueId: entry.node.uniqueId,
        connections: entry.session.connections,
        bridges: bridges(entry),
      })),
      serverSessionCount: this.#sessions.size,
    });
    if (admission.type === "refused") return refused(live, connection, request, login.userName, admission);
    for (const name of admission.replaces) {
      live.sessions
        .get(name)
        ?.session.end("replaced", `${connection}: user "${admission.userName}" came again`);
    }
    return this.#welcome(request, login, live, admission);
  }

  #welcome(request: MethodRequest, login: LoginRequest, live: LiveHub, admission: Admission): MethodAnswer {
    const { environment, unixNow } = this.#options;
    const key = environment.randomBytes(sessionKeyBytes);
    // In clear only where the connection can: the client goes by the answer.
    const encrypt = admission.parameters.encrypt || !request.canLeaveTls;
    const parameters = { ...admission.parameters, encrypt };
    const name = `SID-${admission.userName.toUpperCase()}-${++live.sessionCount}`;
    const session = new Session({
      name,
      user: { name: admission.userName, group: admission.group },
      policy: admission.policy,
      monitor: admission.monitor,
      peerAddress: request.peer.address,
      parameters,
      environment,
      onEnd: (reason, cause) => this.#ended(entry, reason, cause),
    });
    const attachment = live.hub.attach(session);
    const { user, granted, until } = admission.standing;
    const entry: HubSession = {
      session,
      hub: live,
      user: user === "administrator" ? undefined : user,
      policy: granted,
      claim: admission.claim,
      goodUntil: until,
      key,
      client: login.client,
      node: login.node,
      counters: attachment.counters,
      startedAt: unixNow(),
    };
    this.#sessions.set(key.toString("hex"), entry);
    live.sessions.set(name, entry);
    session.plugInto(attachment);
    live.activity.began(admission.userName, entry.startedAt);
    live.log.security(
      `Session "${name}": began for user "${admission.userName}" from ${request.peer.address} by connection "${request.connectionName}"; ${describeParameters(parameters)}.`,
      {
        event: "session-began",
        session: name,
        user: admission.userName,
        peer: request.peer.address,
        client: login.client.product,
      },
    );
    return {
      type: "join",
      pack: encodeWelcome({
        sessionName: name,
        connectionName: request.connectionName,
        sessionKey: key,
        sessionKey32: environment.randomBytes(4).readUInt32BE(),
        ...parameters,
        policy: admission.policy,
        message: live.hub.settings.message,
      }),
      join: joinOf(session, request.peer.address),
    };
  }

  #addConnection(request: MethodRequest): MethodAnswer {
    const { pack, canLeaveTls, connectionName, peer } = request;
    const { sessionKey } = decodeAdditionalConnect(pack);
    const entry = this.#sessions.get(Buffer.from(sessionKey).toString("hex"));
    if (entry === undefined) return { type: "error", error: "sessionTimeout" };
    const { session, hub } = entry;
    const outside = placeProblem(hub.hub.settings, [peer.address]);
    if (outside !== undefined) {
      const connection = `Connection "${connectionName}" of session "${session.name}"`;
      return refused(hub, connection, request, session.user.name, refuse(...outside));
    }
    if (!session.takesConnections) return { type: "error", error: "tooManyConnections" };
    if (!session.parameters.encrypt && !canLeaveTls) return { type: "error", error: "notSupported" };
    return {
      type: "join",
      pack: encodeAdditionalReply(session.nextDirection()),
      join: joinOf(session, peer.address),
    };
  }

  async #changePassword({ pack, challenge, peer, connectionName }: MethodRequest): Promise<MethodAnswer> {
    const change = decodePasswordChange(pack);
    const live = this.#options.hubs.find(change.hubName);
    if (live === undefined) return { type: "error", error: "hubNotFound" };
    const attempt = await this.#options.throttle.attempt(
      peer.address,
      accountOf(live, change.userName),
      () => changePassword(live.hub.settings, change, { random: challenge, now: this.#options.unixNow() }),
      ({ type }) => type === "changed",
    );
    const result = attempt === "too many" ? refuse("oldPasswordWrong", "too many wrong passwords") : attempt;
    const who = `Password of user "${change.userName}" from ${peer.address}`;
    const event = { event: "password-change", user: change.userName, peer: peer.address };
    if (result.type === "refused") {
      live.log.security(`${who}: not changed: ${result.reason}.`, { ...event, result: result.error });
      if (result.error === "oldPasswordWrong") {
        live.log.security(authenticationFailure(connectionName, change.userName, peer.address), "as it is");
      }
      return { type: "error", error: result.error };
    }
    await this.#options.storeUser(live.hub.settings.name, result.user);
    live.log.security(`${who}: changed.`, { ...event, result: "done" });
    return { type: "reply", pack: new Pack().addInt("error", 0) };
  }

  #ended(entry: HubSession, reason: SessionEnd, cause?: string): void {
    this.#sessions.delete(entry.key.toString("hex"));
    entry.hub.sessions.delete(entry.session.name);
    entry.hub.activity.ended({ user: entry.session.user, counters: entry.counters }, this.#options.unixNow());
    const { name, user } = entry.session;
    const event = { event: "session-ended", session: name, user: user.name, reason };
    const why = cause === undefined ? reason : `${reason}: ${cause}`;
    entry.hub.log.security(`Session "${name}": ended (${why}).`, event);
  }
}

/** What wrong passwords are counted for. */
function accountOf({ hub }: LiveHub, userName: string): string {
  return `${hub.settings.name}/${userName}`;
}

/** The direction is decided when the answer is made, and the connection added right after it. */
function joinOf(session: Session, peerAddress: string): Join {
  const direction = session.nextDirection();
  return {
    encrypt: session.parameters.encrypt,
    attach: (connection) =>
      session.takesConnections ? session.add(connection, direction, peerAddress) : undefined,
  };
}

function refused(
  { log }: LiveHub,
  connection: string,
  { connectionName, peer }: MethodRequest,
  user: string,
  refusal: Refusal,
): MethodAnswer {
  const event = { event: "login-refused", user, peer: peer.address, error: refusal.error };
  log.security(`${connection}: refused: ${refusal.reason}.`, event);
  if (refusal.error === "authenticationFailed") {
    log.security(authenticationFailure(connectionName, user, peer.address), "as it is");
  }
  return {
    type: "error",
    error: refusal.error,
    pack: errorPack(refusal.error, { noSavePassword: refusal.noSavePassword }),
  };
}

function describeParameters({
  maxConnections,
  encrypt,
  compress,
  halfDuplex,
  qos,
  timeoutMs,
}: Session["parameters"]): string {
  const flags = [
    encrypt ? "encrypted" : "in clear",
    ...(compress ? ["compressed"] : []),
    ...(halfDuplex ? ["half duplex"] : []),
    ...(qos ? ["VoIP / QoS"] : []),
  ];
  return `at most ${maxConnections} connections, ${flags.join(", ")}, time-out ${timeoutMs / 1000} s`;
}
