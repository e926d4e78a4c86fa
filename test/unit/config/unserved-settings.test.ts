import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { unservedSettings } from "../../../server/config/sections/unserved-settings.ts";

function unserved(text: string): string[] {
  return unservedSettings(parseConfig(Buffer.from(`declare root\n{\n${text}\n}\n`)));
}

test("what is switched on and not served is named, hub by hub", () => {
  assert.deepEqual(
    unserved(`
      declare VirtualHUB
      {
        declare A
        {
          declare CascadeList
          {
            declare Cascade0
            {
              declare ClientOption
              {
                string Hostname other.example
              }
            }
          }
          declare SecurityAccountDatabase
          {
            declare UserList
            {
              declare u
              {
                uint AuthType 4
              }
              declare v
              {
                uint AuthType 1
              }
            }
          }
        }
      }
      declare LocalBridgeList
      {
        bool DoNotDisableOffloading false
        declare LocalBridge0
        {
          string HubName A
          string DeviceName eth1
        }
      }
      declare IPsec
      {
        bool L2TP_IPsec true
        bool L2TP_Raw false
      }
      declare ServerConfiguration
      {
        bool EnableVpnAzure true
        uint ServerType 1
        declare Proto
        {
          declare OpenVPN
          {
            bool Enabled true
          }
          declare SSTP
          {
            bool Enabled false
          }
        }
      }
      declare DDnsClient
      {
        bool Disabled false
      }`),
    [
      "cascade of hub A to other.example",
      "users of hub A whom a RADIUS server or an NT domain knows (1)",
      "cluster of servers",
      "L2TP over IPsec",
      "clients of OpenVPN",
      "VPN Azure",
      "dynamic DNS name",
    ],
  );
});

test("what files of version 4 switch on, and what is of WireGuard and of logs, is named as well", () => {
  assert.deepEqual(
    unserved(`
      declare ServerConfiguration
      {
        bool DisableOpenVPNServer false
        bool DisableSSTPServer true
      }
      declare WireGuardKeyList
      {
        declare AAAA
        {
          string Hub A
        }
      }
      declare VirtualHUB
      {
        declare A
        {
          declare Option
          {
            bool NoPhysicalIPOnPacketLog true
          }
        }
      }`),
    [
      "NoPhysicalIPOnPacketLog of hub A: its packet log names the addresses of clients",
      "clients of OpenVPN",
      "keys of WireGuard clients (1)",
    ],
  );
});

test("no number of hubs makes the list endless", () => {
  const hub = (name: number) =>
    `declare H${name}\n{\ndeclare Option\n{\nbool NoPhysicalIPOnPacketLog true\n}\n}`;
  const hubs = Array.from({ length: 500 }, (_value, index) => hub(index)).join("\n");
  const lines = unserved(`declare VirtualHUB\n{\n${hubs}\n}`);
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), "400 more of hubs and switches");
});

test("a configuration that has none of it is served wholly", () => {
  assert.deepEqual(
    unserved("declare VirtualHUB\n{\ndeclare A\n{\ndeclare SecureNAT\n{\nbool Disabled true\n}\n}\n}"),
    [],
  );
});
