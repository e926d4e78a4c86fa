import assert from "node:assert/strict";
import { Refusal, type FoundUser, type RpcClient } from "./rpc-client.ts";

const namesOfLane = 8;

/** What a user is: the number of its last change, which two of its fields hold; undefined when there is none. */
type State = number | undefined;

/**
 * Changes users of its own, one after the other, and knows what each must be: as the last change that was acknowledged left
 * it, or as the one left it that nobody acknowledged.
 */
export class UserLane {
  readonly #names: readonly string[];
  readonly #known = new Map<string, State>();
  #unknown: { readonly name: string; readonly state: State } | undefined;
  #count = 0;

  constructor(index: number) {
    this.#names = Array.from({ length: namesOfLane }, (_, number) => `lane-${index}-${number}`);
  }

  /** Changes until the signal or the first fault; resolves with the number of changes that were acknowledged. */
  async change(client: RpcClient, signal: AbortSignal): Promise<number> {
    for (let done = 0; ; done++) {
      if (signal.aborted) return done;
      const name = this.#names[Math.floor(Math.random() * namesOfLane)] ?? "";
      const isThere = this.#known.get(name) !== undefined;
      const [method, state] =
        isThere && Math.random() < 0.3
          ? (["DeleteUser", undefined] as const)
          : ([isThere ? "SetUser" : "CreateUser", ++this.#count] as const);
      this.#unknown = { name, state };
      const fields = { Realname_utf: `${state} of ${name}`, Note_utf: `note ${state}`, AuthType_u32: 0 };
      try {
        await client.call(method, {
          HubName_str: "DEFAULT",
          Name_str: name,
          ...(state !== undefined && fields),
        });
      } catch (error) {
        if (error instanceof Refusal) throw error;
        return done;
      }
      this.#known.set(name, state);
      this.#unknown = undefined;
    }
  }

  /** Fails when a user is not what it must be. */
  check(found: ReadonlyMap<string, FoundUser>, when: string): void {
    for (const name of this.#names) {
      const user = found.get(name);
      const state = user && Number(/^note (\d+)$/.exec(user.note)?.[1]);
      if (user !== undefined) assert.equal(user.realName, `${state} of ${name}`, `half a change, ${when}`);
      const known = this.#known.get(name);
      if (state === known) continue;
      assert.ok(
        this.#unknown?.name === name && this.#unknown.state === state,
        `${when}: ${name} is ${state}, and not ${known}, which was acknowledged`,
      );
      this.#known.set(name, state);
    }
    this.#unknown = undefined;
  }
}
