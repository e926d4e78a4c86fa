import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DevicePort } from "../../../server/packet-device/device-port.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { block, TestHub, TestPort } from "../hub/hub-fixture.ts";
import { FakePacketDevice } from "./fake-packet-device.ts";

const frameOf = (destination: string, source: string, text: string) =>
  Buffer.concat([Buffer.from(`${destination}${source}88b5`, "hex"), Buffer.from(text.padEnd(46))]);
const everybody = "ffffffffffff";
const [station, host] = ["020000000001", "020000000002"];

function plugged() {
  const { hub } = new TestHub();
  const session = new TestPort("alice");
  const attachment = hub.attach(session);
  const devices: FakePacketDevice[] = [];
  const lost: Error[] = [];
  const open = FakePacketDevice.opener(devices);
  const port = new DevicePort({
    name: "SID-LOCALBRIDGE-1",
    policy: defaultPolicy,
    open: (events) => open("tap_vpn", events),
    onLost: (error) => lost.push(error),
  });
  const [device] = devices;
  assert.ok(device);
  return { hub, session, attachment, port, device, lost };
}

describe("a port to a network interface", () => {
  test("carries frames both ways", () => {
    const { hub, session, attachment, port, device } = plugged();
    port.plugInto(hub.attach(port));
    const question = frameOf(everybody, station, "who has it?");
    const blocks = block(question);
    attachment.forward(blocks, 0, blocks.length);
    assert.deepEqual(device.sent.splice(0), [blocks]);
    const answer = frameOf(station, host, "I have it");
    device.receive(block(answer));
    assert.deepEqual(session.take(), [answer]);
    assert.deepEqual(device.sent, []);
  });

  test("leads nowhere before it is plugged in, and when it is unplugged", () => {
    const { hub, session, attachment, port, device } = plugged();
    const blocks = block(frameOf(everybody, host, "anybody there?"));
    device.receive(blocks);
    port.plugInto(hub.attach(port));
    void port.unplug();
    void port.unplug();
    assert.equal(device.isOpen, false);
    device.receive(blocks);
    attachment.forward(blocks, 0, blocks.length);
    assert.deepEqual(session.take(), []);
    assert.deepEqual(device.sent, []);
    assert.equal([...hub.ports()].length, 1);
  });

  test("is out of the hub when the interface is gone, which is told", () => {
    const { hub, port, device, lost } = plugged();
    port.plugInto(hub.attach(port));
    device.vanish(new Error("EBADFD: read /dev/net/tun"));
    assert.deepEqual(
      lost.map(({ message }) => message),
      ["EBADFD: read /dev/net/tun"],
    );
    assert.equal([...hub.ports()].length, 1);
  });
});
