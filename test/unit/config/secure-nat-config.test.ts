import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { readSecureNat, writeSecureNat } from "../../../server/config/sections/secure-nat-config.ts";
import { emptyFolder, fields, withFields } from "../../../server/config/text/config-fields.ts";
import { findFolder } from "../../../server/config/text/config-node.ts";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { parseIpv6Network } from "../../../server/ethernet/ip-network.ts";
import { createSecureNatSettings } from "../../../server/settings/secure-nat-settings.ts";

const { root } = parseConfig(readFileSync(new URL("fixtures/softether.config", import.meta.url)));
const virtualHubs = findFolder(root, "VirtualHUB");
const [hub] = (virtualHubs?.children ?? []).filter((child) => "children" in child);
const folder = (hub && "children" in hub && findFolder(hub, "SecureNAT")) || emptyFolder("none");
const mac = Uint8Array.of(0x5e, 1, 2, 3, 4, 5);
const path = "VirtualHUB/DEFAULT/SecureNAT";

describe("the folder SecureNAT of a hub", () => {
  test("of the official server is read, and written as it was", () => {
    const section = readSecureNat(folder, path, mac);
    assert.deepEqual(section, createSecureNatSettings(Uint8Array.of(0x5e, 0xbf, 0x0f, 0x51, 0x69, 0x47)));
    assert.deepEqual(writeSecureNat(section, folder), folder);
  });

  test("that is empty stands for the settings of a new hub", () => {
    assert.deepEqual(readSecureNat(emptyFolder("SecureNAT"), path, mac), createSecureNatSettings(mac));
  });

  test("keeps what is not known, and everything that is", () => {
    const former = withFields(folder, { Unknown: fields.text("kept") });
    const section = readSecureNat(folder, path, mac);
    const changed = {
      enabled: true,
      saveLog: false,
      host: { mac, address: 0x0a00_0001, mask: 0xff00_0000 },
      nat: {
        enabled: false,
        byKernel: true,
        bySockets: true,
        perClient: section.nat.perClient,
        mtu: 1_400,
        tcpTimeoutSeconds: 60,
        udpTimeoutSeconds: 10,
        openNetworks: [
          { network: 0xa9fe_a9fe, mask: 0xffff_ffff },
          { network: 0x7f00_0000, mask: 0xff00_0000 },
          parseIpv6Network("fd00:ec2::/32") ?? assert.fail(),
        ],
        ipv6: false,
      },
      dhcp: {
        ...section.dhcp,
        enabled: false,
        first: 1,
        last: 2,
        nameServers: [3, 4] as const,
        domainName: "a b",
        pushRoutes: "10.0.0.0/8/10.0.0.1",
      },
    };
    const written = writeSecureNat(changed, former);
    assert.deepEqual(readSecureNat(written, path, mac), changed);
    assert.ok(written.children.some((child) => "name" in child && child.name === "Unknown"));
  });

  test("takes the nearest value where the file has one that cannot be", () => {
    const beyond = withFields(folder, {
      VirtualRouter: withFields(emptyFolder("VirtualRouter"), {
        NatMtu: fields.uint(9_000),
        NatTcpTimeout: fields.uint(0),
      }),
    });
    const { mtu, tcpTimeoutSeconds } = readSecureNat(beyond, path, mac).nat;
    assert.deepEqual([mtu, tcpTimeoutSeconds], [1_500, 60]);
  });

  test("with an address that is none is refused by its path", () => {
    for (const [inner, item] of [
      ["VirtualHost", "VirtualHostIp"],
      ["VirtualHost", "VirtualHostMacAddress"],
      ["VirtualDhcpServer", "DhcpLeaseIPEnd"],
      ["VirtualRouter", "OpenNetworks"],
    ] as const) {
      const broken = withFields(folder, {
        [inner]: withFields(emptyFolder(inner), { [item]: fields.text("1.2.3") }),
      });
      assert.throws(
        () => readSecureNat(broken, path, mac),
        new RegExp(`${path}/${inner}/${item} (is|holds what is) no `),
      );
    }
  });
});
