import { isInNetwork, type Ipv4Network } from "../ethernet/ipv4-network.ts";

/**
 * Networks that clients do not reach through a NAT: those of the host itself, and those that mean something else seen from there than
 * from the client. Cloud providers give machines their secrets at such addresses, which are not link-local with all of them.
 */
const closed: readonly (Ipv4Network & { readonly of: string })[] = [
  { of: "this network", network: 0x0000_0000, mask: 0xff00_0000 },
  { of: "loopback", network: 0x7f00_0000, mask: 0xff00_0000 },
  { of: "link-local, metadata of clouds", network: 0xa9fe_0000, mask: 0xffff_0000 },
  { of: "metadata of Alibaba Cloud", network: 0x6464_64c8, mask: 0xffff_ffff },
  { of: "what Azure tells its machines", network: 0xa83f_8110, mask: 0xffff_ffff },
  { of: "metadata of Oracle Cloud Classic", network: 0xc000_00c0, mask: 0xffff_ffff },
  { of: "multicast, reserved, broadcast", network: 0xe000_0000, mask: 0xe000_0000 },
];

/**
 * Whether clients may reach an IPv4 address.
 *
 * @param open what they reach all the same
 */
export function isReachable(address: number, open: readonly Ipv4Network[]): boolean {
  return (
    closed.every((network) => !isInNetwork(address, network)) ||
    open.some((network) => isInNetwork(address, network))
  );
}
