import { outsideLimits } from "../limits.ts";
import { SocketTurns, type SocketTurnsOptions } from "./socket-turns.ts";
import { Shares } from "../secure-nat/shares.ts";

const nextTurn = (callback: () => void) => void setImmediate(callback);

/** A socket that is open, or about to be. */
interface Place {
  source: number;
  /** Counts up with each use of any socket, which takes less time than to look at a clock. */
  usedAt: number;
  isOpened: boolean;
  /** Of what waits to be done to it, if anything does. */
  callOff: () => void;
  readonly giveUp: () => void;
}

/** What one user of a {@link SocketPool} has of it. */
export interface SocketShare {
  /**
   * Takes a place for a socket.
   *
   * @param giveUp closes the socket for somebody who has fewer; its place is given back already
   * @returns undefined when there is none
   */
  take(giveUp: () => void): SocketPlace | undefined;
}

export interface SocketPlace {
  /** Opens the socket when it is its turn, if it is not closed before. */
  open(opening: () => void): void;
  /** Closes the socket when it is its turn; at once where it was not opened. It has its place until then. */
  close(closing: () => void): void;
  /** Something came or went by the socket. */
  used(): void;
  /** The socket is closed. To say so twice does nothing. */
  giveBack(): void;
}

/**
 * The sockets that the process may have for clients of all hubs. While there is room, each hub has as many as it likes; when there is none,
 * the hub that has most gives up those that it has not used for longest to hubs that have fewer, so that none is kept out by another.
 */
export class SocketPool {
  readonly #most: number;
  readonly #shares = new Shares<Place>(({ usedAt }) => usedAt);
  readonly #openings: SocketTurns;
  readonly #closings: SocketTurns;
  #count = 0;
  #users = 0;
  #uses = 0;

  constructor(most: number, options: Pick<SocketTurnsOptions, "nextTurn"> = { nextTurn }) {
    this.#most = most;
    this.#openings = new SocketTurns({ ...options, inTurn: outsideLimits.openedInTurn });
    this.#closings = new SocketTurns({ ...options, inTurn: outsideLimits.closedInTurn });
  }

  /** For another user. */
  share(): SocketShare {
    const source = ++this.#users;
    return { take: (giveUp) => this.#take(source, giveUp) };
  }

  #take(source: number, giveUp: () => void): SocketPlace | undefined {
    if (this.#count >= this.#most && !this.#makeRoom(source)) return undefined;
    const place: Place = { source, usedAt: ++this.#uses, isOpened: false, callOff: () => {}, giveUp };
    this.#shares.add(place);
    this.#count++;
    return {
      open: (opening) => {
        place.callOff = this.#openings.take(source, () => {
          place.isOpened = true;
          opening();
        });
      },
      close: (closing) => {
        place.callOff();
        const close = () => {
          this.#giveBack(place);
          closing();
        };
        if (place.isOpened) place.callOff = this.#closings.take(source, close);
        else close();
      },
      used: () => void (place.usedAt = ++this.#uses),
      giveBack: () => this.#giveBack(place),
    };
  }

  /** Whether the user that has most has one less now; it is not one who would have as many then as it. */
  #makeRoom(source: number): boolean {
    const largest = this.#shares.largest();
    if (this.#shares.of(source) >= this.#shares.of(largest) - 1) return false;
    const oldest = this.#shares.oldest(largest);
    if (oldest === undefined) return false;
    this.#giveBack(oldest);
    oldest.giveUp();
    return true;
  }

  #giveBack(place: Place): void {
    if (!this.#shares.delete(place)) return;
    this.#count--;
    place.callOff();
  }
}
