import { adminAddressFileName } from "../state-paths.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import type { HubEvent, LineAsItIs } from "../hub/hub-log.ts";
import { rpcLimits } from "../limits.ts";
import { authenticationFailure } from "../access/authentication-failure.ts";
import type { ClientAnswer, ClientRequest } from "../protocols/softether/client-request.ts";
import type { ProtocolError } from "../wire/protocol-error.ts";
import { Pack } from "../wire/pack.ts";
import { hashAdminPassword, secureResponse } from "../wire/sha0.ts";
import { AdministratorPlaces } from "./administrator-places.ts";
import {
  authenticateAdministrator,
  isSame,
  stillAdministers,
  type AdministratorClaim,
  type AuthenticationResult,
} from "./authentication.ts";
import type { RpcDispatcher } from "./dispatch.ts";
import { PackRpcConnection } from "./pack-rpc.ts";
import type { PasswordThrottle } from "../access/password-throttle.ts";
import type { WorkOwner } from "../turns.ts";
import { ownerOf, type Administrator, type Call } from "./rpc.ts";

export interface AdminServiceOptions {
  readonly settings: () => ServerSettings;
  readonly dispatcher: RpcDispatcher;
  /** Whether an administrator may come from an address; the name of the hub is empty for the server's administrator. */
  readonly admits: (peerAddress: string, hubName: string) => boolean;
  readonly throttle: PasswordThrottle;
  /** Called with what is for the log of the hub, or of the server where the name is empty. */
  readonly tell: (hubName: string, text: string, event: HubEvent | LineAsItIs) => void;
}

/** A password that came as it is, over HTTP. */
export interface PasswordLogin {
  /** Empty for the server's administrator. */
  readonly hubName: string;
  readonly password: string;
  readonly peerAddress: string;
  readonly peerUser?: number | undefined;
  readonly connectionName: string;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
}

/** A connection over HTTP, as long as it is the same object. */
export interface WebPlace {
  close(): void;
  /** Whether it waits for a request that may come. */
  isIdle(): boolean;
  onClosed(callback: () => void): void;
}

/** Lets administrators in, and answers them. */
export class AdminService {
  readonly #options: AdminServiceOptions;
  readonly #places = new AdministratorPlaces();
  readonly #connections = new Set<OpenConnection>();
  readonly #webPlaces = new WeakMap<WebPlace, { readonly owner: WorkOwner; readonly leave: () => void }>();

  constructor(options: AdminServiceOptions) {
    this.#options = options;
  }

  /**
   * Answers the method `admin`, by which a connection becomes one of the administration.
   *
   * Source: `Cedar/Admin.c` AdminAccept.
   */
  async answer({ pack, challenge, peer, connectionName, gone }: ClientRequest): Promise<ClientAnswer> {
    const { dispatcher } = this.#options;
    const response = pack.data("secure_password");
    if (response?.length !== rpcLimits.proofBytes) return { type: "error", error: "protocol" };
    const hubName = pack.str("hubname");
    const result = await this.#authenticate({
      hubName,
      peerAddress: peer.address,
      peerUser: peer.user,
      connectionName,
      gone,
      byHttp: false,
      proves: (hash) => isSame(secureResponse(hash, challenge), response),
      program: pack.str("client_str").slice(0, 100),
    });
    if (result.type === "refused") return { type: "error", error: result.error };
    const { administrator } = result;
    // After the password, which tells whose place it would be.
    if (!this.#places.hasRoomFor(administrator)) return { type: "error", error: "tooManyConnections" };
    const known = [result.hashedPassword];
    const call: Call = {
      administrator,
      peerAddress: peer.address,
      connectionName,
      setsPassword: (hash) => void known.push(Uint8Array.from(hash)),
    };
    return {
      type: "administer",
      // An official program warns of an empty password by this.
      pack: result.emptyPassword ? new Pack().addInt("empty_password", 1) : new Pack(),
      attach: (connection) => {
        const open: OpenConnection = { call, known, close: () => connection.close() };
        this.#connections.add(open);
        const leave = this.#places.take(administrator, open.close);
        return new PackRpcConnection(connection, {
          requestBytes: requestLimitBytes(administrator),
          owner: ownerOf(administrator),
          answer: (request) =>
            this.#mayGoOn(open) ? dispatcher.callPack(request, call) : Promise.resolve("end"),
          onClosed: () => {
            this.#connections.delete(open);
            leave();
          },
        });
      },
    };
  }

  /** Ends the connections of administrators who would not be let in any more; for each change of the settings. */
  review(): void {
    for (const open of [...this.#connections]) if (!this.#mayGoOn(open)) open.close();
  }

  /**
   * Gives a connection over HTTP the place of an administrator until it closes.
   *
   * @returns whether there was one
   */
  enter(administrator: Administrator, connection: WebPlace): boolean {
    const owner = ownerOf(administrator);
    const former = this.#webPlaces.get(connection);
    if (former?.owner === owner) return true;
    if (!this.#places.hasRoomFor(administrator)) return false;
    former?.leave();
    const leave = this.#places.take(
      administrator,
      () => connection.close(),
      () => connection.isIdle(),
    );
    if (former === undefined) connection.onClosed(() => this.#webPlaces.get(connection)?.leave());
    this.#webPlaces.set(connection, { owner, leave });
    return true;
  }

  /** Whether the login of a request over HTTP holds still: it was looked at before the request was read. */
  stands(
    { administrator, hashedPassword }: Extract<AuthenticationResult, { readonly type: "administrator" }>,
    peerAddress: string,
  ): boolean {
    return this.#problemOf(administrator, [hashedPassword], peerAddress) === undefined;
  }

  #mayGoOn({ call, known }: OpenConnection): boolean {
    const { administrator, peerAddress, connectionName } = call;
    const problem = this.#problemOf(administrator, known, peerAddress);
    if (problem === undefined) return true;
    const hubName = hubNameOf(administrator) ?? "";
    this.#options.tell(
      "",
      `administration: connection "${connectionName}" from ${peerAddress} ended, ${nameOf(hubName)}: ${problem}`,
      {
        event: "administrator-ended",
        administrator: hubName === "" ? "server" : `hub ${hubName}`,
        peer: peerAddress,
        connection: connectionName,
      },
    );
    return false;
  }

  #problemOf(
    administrator: Administrator,
    known: readonly Uint8Array[],
    peerAddress: string,
  ): string | undefined {
    const { settings, admits } = this.#options;
    if (!admits(peerAddress, hubNameOf(administrator) ?? "")) {
      return `${adminAddressFileName} does not let administrators in from there any more`;
    }
    if (stillAdministers(settings(), administrator, known)) return undefined;
    return "the password is another one, or the hub is gone";
  }

  /** Whether somebody who asks over HTTP is an administrator. */
  login({ password, ...who }: PasswordLogin): Promise<AuthenticationResult> {
    const hash = hashAdminPassword(password);
    const proves = (expected: Uint8Array) => isSame(hash, expected);
    return this.#authenticate({ ...who, byHttp: true, proves });
  }

  async #authenticate({ connectionName, program, ...claim }: Attempt): Promise<AuthenticationResult> {
    const { tell } = this.#options;
    const { hubName, peerAddress } = claim;
    const result = await this.#decide(claim);
    const connection = `administration: connection "${connectionName}" from ${peerAddress}`;
    const event = {
      event: "administrator-login",
      administrator: hubName === "" ? "server" : `hub ${hubName}`,
      peer: peerAddress,
      connection: connectionName,
    };
    if (result.type === "refused") {
      // Not to the log of a hub, whose administrator it may not be.
      tell("", `${connection}: refused as ${nameOf(hubName)}: ${result.reason}`, {
        ...event,
        result: result.error,
      });
      if (isGuess(result.error)) {
        const name = hubName === "" ? "administrator" : hubName;
        tell("", authenticationFailure(connectionName, name, peerAddress), {
          asItIs: true,
          peer: peerAddress,
        });
      }
    } else if (program !== undefined) {
      tell(
        hubNameOf(result.administrator) ?? "",
        `${connection} with ${program}: logged in as ${nameOf(hubName)}`,
        { ...event, result: "done" },
      );
    }
    return result;
  }

  async #decide(claim: AdministratorClaim): Promise<AuthenticationResult> {
    const { settings, admits, throttle } = this.#options;
    // Before the password, of which nobody learns anything who may not come.
    if (!admits(claim.peerAddress, claim.hubName)) {
      const reason = `${adminAddressFileName} does not let administrators in from there`;
      return { type: "refused", error: "addressDenied", reason };
    }
    return authenticateAdministrator(settings, claim, throttle);
  }
}

/** A connection of the administration, with the hashes of the passwords that its administrator proved or set. */
interface OpenConnection {
  readonly call: Call;
  readonly known: readonly Uint8Array[];
  readonly close: () => void;
}

/** Somebody who wants to be an administrator. */
interface Attempt extends AdministratorClaim {
  readonly connectionName: string;
  /** What the program calls itself that makes a connection of the administration; undefined by HTTP, where there are many. */
  readonly program?: string;
}

/** Whether a refusal is for who does not know the password. By HTTP the name of a hub is that of the user, and is guessed too. */
function isGuess(error: ProtocolError): boolean {
  return error === "accessDenied" || error === "hubNotFound";
}

/** Longest request that is read of an administrator. */
export function requestLimitBytes({ type }: Administrator): number {
  return type === "server" ? rpcLimits.requestBytes : rpcLimits.hubRequestBytes;
}

/** The hub of a hub's administrator. */
export function hubNameOf(administrator: Administrator): string | undefined {
  return administrator.type === "hub" ? administrator.hubName : undefined;
}

function nameOf(hubName: string): string {
  return hubName === "" ? "administrator of the server" : `administrator of hub "${hubName.slice(0, 255)}"`;
}
