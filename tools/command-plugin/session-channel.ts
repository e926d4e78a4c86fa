import type ssh2 from "ssh2";
import { channelFailureText } from "./connection.ts";

/**
 * A session channel on which nothing was started yet.
 *
 * ssh2 opens one only together with its command, and asks for variables without listening to the answer. Whether the
 * server took a variable is part of the plugin's contract, so this goes one level below ssh2's own methods. The package
 * is pinned, and the parts that are used are checked when the channel is opened.
 */
export class SessionChannel {
  /** Standard output and input of what is started; `stderr` beside it. */
  readonly stream: ssh2.ClientChannel;
  readonly #channel: ChannelInternals;

  private constructor(channel: ssh2.ClientChannel) {
    this.stream = channel;
    this.#channel = channel as unknown as ChannelInternals;
  }

  /** @throws Error with the text of the official program when the server opens none */
  static open(client: ssh2.Client): Promise<SessionChannel> {
    const { _chanMgr: manager, _protocol: protocol } = client as unknown as ClientInternals;
    if (typeof manager?.add !== "function" || typeof protocol?.session !== "function") {
      throw new Error(
        "this version of ssh2 is not the one that the command plugin was written for: run npm ci",
      );
    }
    return new Promise((resolve, reject) => {
      const onOpen: OpenCallback = (error, channel) => {
        if (error) reject(new Error(channelFailureText(error)));
        else resolve(new SessionChannel(channel));
      };
      onOpen.type = "session";
      protocol.session(manager.add(onOpen), windowBytes, packetBytes);
    });
  }

  /** @throws Error when the server does not take it */
  async setVariable(name: string, value: string): Promise<void> {
    const taken = await this.#request((protocol, id) => protocol.env(id, name, value, true));
    if (!taken) throw new Error("ssh: setenv failed");
  }

  /** @throws Error when the server does not run it */
  async start(command: string): Promise<void> {
    const taken = await this.#request((protocol, id) => protocol.exec(id, command, true));
    if (!taken) throw new Error(`ssh: command ${command} failed`);
    this.#channel.subtype = "exec";
    this.#channel.allowHalfOpen = true;
  }

  /** Resolves to the server's answer, and fails when the connection ends before it. */
  #request(send: (protocol: ProtocolInternals, id: number) => void): Promise<boolean> {
    const channel = this.#channel;
    return new Promise((resolve, reject) => {
      if (channel.outgoing.state !== "open") {
        reject(new Error("EOF"));
        return;
      }
      channel._callbacks.push((refused) => {
        if (refused && channel.incoming.state === "closed") reject(new Error("EOF"));
        else resolve(!refused);
      });
      send(channel._client._protocol, channel.outgoing.id);
    });
  }
}

/** What ssh2 itself gives the other side. */
const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;

type OpenCallback = ((error: Error | undefined, channel: ssh2.ClientChannel) => void) & { type?: string };

interface ClientInternals {
  readonly _chanMgr: { add(callback: OpenCallback): number };
  readonly _protocol: ProtocolInternals;
}

interface ProtocolInternals {
  session(id: number, windowBytes: number, packetBytes: number): void;
  env(id: number, name: string, value: string, wantReply: boolean): void;
  exec(id: number, command: string, wantReply: boolean): void;
}

interface ChannelInternals {
  readonly _client: ClientInternals;
  readonly _callbacks: ((refused: boolean | Error) => void)[];
  readonly incoming: { readonly state: string };
  readonly outgoing: { readonly id: number; readonly state: string };
  subtype?: string;
  allowHalfOpen: boolean;
}
