/** Where a listener on every address answers a program of the same host. */
export const loopbackAddress = "127.0.0.1";

/** Where a program of the same host finds a listener. */
export function addressToProbe({ address }: { readonly address?: string }): string {
  return address ?? loopbackAddress;
}
