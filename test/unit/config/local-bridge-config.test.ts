import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readLocalBridges, writeLocalBridges } from "../../../server/config/sections/local-bridge-config.ts";
import { emptyFolder, fields, withFields } from "../../../server/config/text/config-fields.ts";
import { findFolder } from "../../../server/config/text/config-node.ts";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { createLocalBridge, interfaceNameOf } from "../../../server/settings/local-bridge-settings.ts";

/** As the official server writes it. */
const text = `declare root
{
	declare LocalBridgeList
	{
		bool DoNotDisableOffloading false

		declare LocalBridge0
		{
			string DeviceName veth0
			string HubName DEFAULT
			bool LimitBroadcast false
			bool MonitorMode false
			bool NoPromiscuousMode false
			bool TapMode false
		}
		declare LocalBridge1
		{
			string DeviceName Vpn
			string HubName Nowhere
			bool LimitBroadcast true
			bool MonitorMode true
			bool NoPromiscuousMode true
			string TapMacAddress 5E-1C-C7-5B-73-13
			bool TapMode true
		}
	}
}
`;
const { root } = parseConfig(Buffer.from(text));
const mac = Uint8Array.of(0x5e, 0x1c, 0xc7, 0x5b, 0x73, 0x13);
const [first, second] = [
  createLocalBridge("DEFAULT", "veth0", undefined),
  { ...createLocalBridge("Nowhere", "Vpn", mac), promiscuous: false, monitor: true, limitsBroadcasts: true },
];

describe("the folder LocalBridgeList", () => {
  test("of the official server is read, and written as it was", () => {
    assert.deepEqual(readLocalBridges(root), [first, second]);
    assert.deepEqual(writeLocalBridges(root, [first, second]), root);
  });

  test("loses the bridge that is deleted, and nothing else", () => {
    const list = findFolder(root, "LocalBridgeList") ?? emptyFolder("none");
    const bridge = withFields(findFolder(list, "LocalBridge1") ?? emptyFolder("none"), {
      Unknown: fields.text("kept"),
    });
    const former = withFields(root, { LocalBridgeList: withFields(list, { LocalBridge1: bridge }) });
    const written = writeLocalBridges(former, [second]);
    const left = findFolder(written, "LocalBridgeList") ?? emptyFolder("none");
    assert.deepEqual(
      left.children.map((child) => "name" in child && child.name),
      ["DoNotDisableOffloading", "LocalBridge0"],
    );
    assert.deepEqual(findFolder(left, "LocalBridge0"), { ...bridge, name: "LocalBridge0" });
    assert.deepEqual(readLocalBridges(written), [second]);
  });

  test("is made for the first bridge, and not for none", () => {
    assert.deepEqual(writeLocalBridges(emptyFolder("root"), []), emptyFolder("root"));
    assert.deepEqual(readLocalBridges(writeLocalBridges(emptyFolder("root"), [first])), [first]);
  });

  test("may hold what is no bridge, which is passed over", () => {
    const list = (...bridges: Record<string, string>[]) =>
      withFields(emptyFolder("root"), {
        LocalBridgeList: withFields(
          emptyFolder("LocalBridgeList"),
          Object.fromEntries(
            bridges.map((each, index) => [
              `LocalBridge${index}`,
              withFields(
                emptyFolder(""),
                Object.fromEntries(Object.entries(each).map(([name, value]) => [name, fields.text(value)])),
              ),
            ]),
          ),
        ),
      });
    const both = { HubName: "default", DeviceName: "VETH0" };
    const read = readLocalBridges(
      list({ HubName: "DEFAULT", DeviceName: "veth0" }, { HubName: "A" }, { DeviceName: "b" }, both),
    );
    assert.deepEqual(read, [first]);
    const broken = withFields(
      findFolder(findFolder(root, "LocalBridgeList") ?? root, "LocalBridge1") ?? root,
      {
        TapMacAddress: fields.text("5E-1C"),
      },
    );
    const withBroken = withFields(root, {
      LocalBridgeList: withFields(emptyFolder("LocalBridgeList"), { LocalBridge1: broken }),
    });
    assert.throws(
      () => readLocalBridges(withBroken),
      /LocalBridgeList\/LocalBridge1\/TapMacAddress is no MAC address/,
    );
  });
});

test("a TAP is named as the official server names it", () => {
  assert.equal(interfaceNameOf(second), "tap_vpn");
  assert.equal(interfaceNameOf(createLocalBridge("A", "averylongnamefortap", mac)), "tap_averylongna");
  assert.equal(interfaceNameOf(first), "veth0");
});
