import { DecodeError } from "./decode-error.ts";
import { Pack } from "./pack.ts";

/** Size of the challenge in the hello, in bytes. */
export const helloRandomBytes = 20;

/** The first answer of a server to a VPN client (`Cedar/Protocol.c` PackHello). */
export interface Hello {
  /** Product string, for people. */
  readonly product: string;
  /** Protocol version, major * 100 + minor, such as 501. */
  readonly version: number;
  readonly build: number;
  /** Challenge against which the client proves its password: {@link helloRandomBytes} bytes, new for each connection. */
  readonly random: Uint8Array;
}

export function encodeHello(hello: Hello): Pack {
  if (hello.random.length !== helloRandomBytes) {
    throw new RangeError(`hello random: ${hello.random.length} bytes instead of ${helloRandomBytes}`);
  }
  return new Pack()
    .addStr("hello", hello.product)
    .addInt("version", hello.version)
    .addInt("build", hello.build)
    .addData("random", hello.random);
}

/** @throws {DecodeError} when the PACK is not the hello of a VPN server */
export function decodeHello(pack: Pack): Hello {
  if (!pack.has("hello")) throw new DecodeError("hello", 0, "is missing: not a VPN server");
  const random = pack.data("random");
  if (random?.length !== helloRandomBytes) {
    throw new DecodeError("hello random", 0, `${random?.length ?? 0} bytes instead of ${helloRandomBytes}`);
  }
  return { product: pack.str("hello"), version: pack.int("version"), build: pack.int("build"), random };
}
