import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { describeServerAccess } from "../../../server/settings/server-access.ts";
import { listenAddressesOf } from "../../../server/settings/server-access.ts";
import { openAccess } from "../../../server/settings/server-access.ts";
import {
  readServerSettings,
  withServerSettings,
} from "../../../server/config/sections/server-settings-config.ts";
import { unenforceableSettings } from "../../../server/config/sections/unenforceable-settings.ts";

const documentOf = (text: string) => parseConfig(Buffer.from(`declare root\n{\n${text}\n}\n`));
const serverWith = (items: string) => documentOf(`declare ServerConfiguration\n{\n${items}\n}`);
const accessOf = (items: string) => readServerSettings(serverWith(items)).access;

describe("what a configuration restricts", () => {
  test("is nothing where it says nothing", () => {
    for (const items of ["", "string ListenIP ::", "string ListenIP 0.0.0.0", "string ListenIP $"]) {
      assert.deepEqual(accessOf(items), openAccess);
      assert.deepEqual(listenAddressesOf(accessOf(items)), ["::", "0.0.0.0"]);
      assert.deepEqual(describeServerAccess(accessOf(items)), []);
    }
  });

  for (const [items, expected, said] of [
    ["string ListenIP 192.0.2.1", { listenAddress: "192.0.2.1" }, /listens on 192\.0\.2\.1 alone/],
    ["string ListenIP 2001:DB8::0:1", { listenAddress: "2001:db8::1" }, /listens on 2001:db8::1 alone/],
    ["string ListenIP fe80::1%eth0", { listenAddress: "fe80::1%eth0" }, /fe80::1%eth0/],
    ["bool DisableIPv6Listener true", { ipv6: false }, /DisableIPv6Listener/],
    ["bool DisableJsonRpcWebApi true", { jsonApi: false }, /DisableJsonRpcWebApi/],
    ["bool DisableSessionReconnect true", { reconnect: false }, /DisableSessionReconnect/],
    ["bool Tls_Disable1_2 true", { tls: { ...openAccess.tls, leastVersion: "TLSv1.3" } }, /Tls_Disable1_2/],
    ["bool Tls_Disable1_3 true", { tls: { ...openAccess.tls, mostVersion: "TLSv1.2" } }, /Tls_Disable1_3/],
    [
      "bool Override_Security_Level true\nuint Override_Security_Level_Value 3",
      { tls: { ...openAccess.tls, securityLevel: 3 } },
      /security level 3/,
    ],
  ] as const) {
    test(`holds and is told: ${items}`, () => {
      const access = accessOf(items);
      assert.deepEqual(access, { ...openAccess, ...expected });
      assert.match(describeServerAccess(access).join("; "), said);
    });
  }

  test("bounds connections no more than the official server would", () => {
    const access = accessOf("uint MaxConnectionsPerIP 3\nuint MaxUnestablishedConnections 500");
    assert.deepEqual([access.connectionsPerAddress, access.connections], [10, 500]);
  });

  test("a security level below the runtime's, or one that is not switched on, changes nothing", () => {
    assert.deepEqual(
      accessOf("bool Override_Security_Level true\nuint Override_Security_Level_Value 1"),
      openAccess,
    );
    assert.deepEqual(accessOf("uint Override_Security_Level_Value 4"), openAccess);
  });

  for (const yes of ["true", "TRUE", "yes", "Y", "1", "-1", "trueish", "t"]) {
    test(`"${yes}" means yes, whatever the case of the name, as the official server has it`, () => {
      assert.equal(accessOf(`bool disablejsonrpcwebapi ${yes}`).jsonApi, false);
    });
  }
  for (const no of ["false", "no", "0", "$", "off", "nothing"]) {
    test(`"${no}" means no`, () => assert.equal(accessOf(`bool DisableJsonRpcWebApi ${no}`).jsonApi, true));
  }

  test("holds for names of folders in another case too", () => {
    const { access, hubs } = readServerSettings(
      documentOf(`
        declare serverconfiguration
        {
          string LISTENIP 192.0.2.1
        }
        declare virtualhub
        {
          declare Office
          {
            declare securityaccountdatabase
            {
              declare ipaccesscontrollist
              {
                declare Acl1
                {
                  bool deny 1
                  string IPADDRESS 198.51.100.1
                }
              }
            }
          }
        }`),
    );
    assert.equal(access.listenAddress, "192.0.2.1");
    assert.deepEqual(
      hubs[0]?.sourceAddresses.map(({ action }) => action),
      ["deny"],
    );
  });

  test("stays in the file when something else changes, in the place and the case in which it was", () => {
    const document = serverWith(
      "string listenip 192.0.2.1\nbool disablejsonrpcwebapi 1\nstring ciphername X",
    );
    const settings = readServerSettings(document);
    const changed = withServerSettings(document, { ...settings, cipherName: "Y" }, settings, 0);
    assert.deepEqual(readServerSettings(changed), { ...settings, cipherName: "Y" });
    assert.equal(changed.root.children.length, document.root.children.length);
  });
});

describe("what lets nobody in, or cannot be kept to, is refused by its name", () => {
  for (const [items, problem] of [
    [
      "string ListenIP office.example",
      /ServerConfiguration\/ListenIP is "office\.example", which is no IP address/,
    ],
    ["string ListenIP 192.0.2", /ListenIP .*no IP address/],
    ["string ListenIP 2001:db8::1\nbool DisableIPv6Listener true", /ListenIP is an IPv6 address.*nobody/],
    ["bool Tls_Disable1_2 true\nbool Tls_Disable1_3 true", /Tls_Disable1_3 is true.*TLS 1\.2 and 1\.3 alone/],
    ["uint ServerType 2", /ServerType is 2, a member of a cluster.*ClusterSettingStandalone/],
    ["uint ServerType 1\nbool ControllerOnly true", /ControllerOnly is true.*ClusterSettingStandalone/],
  ] as const) {
    test(items.replaceAll("\n", ", "), () => assert.throws(() => accessOf(items), problem));
  }

  test("a controller that lets clients in is taken", () => {
    assert.deepEqual(accessOf("uint ServerType 1"), openAccess);
  });

  test("an active rule for users in a file; one that is switched off restricts nothing", () => {
    const rule = (name: string, items: string) => `declare ${name}\n{\n${items}\n}`;
    const document = documentOf(
      `declare VirtualHUB\n{\ndeclare Office\n{\ndeclare AccessList\n{\n${[
        rule("1", "bool Active true\nstring SrcUsername alice\nbool Discard true"),
        rule("2", "bool Active yes\nstring DestUsername include:staff.txt"),
        rule("3", "bool Active false\nstring SrcUsername exclude:staff.txt"),
      ].join("\n")}\n}\n}\n}`,
    );
    assert.deepEqual(unenforceableSettings(document), [
      "VirtualHUB/Office/AccessList/2 names users by a file (include:, exclude:), which is not read here: name a user or a group",
    ]);
  });
});
