import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { startChild } from "./support/child.ts";
import { someBytes } from "./support/some-bytes.ts";

const plain = { host: "198.18.7.1", behind: "198.18.7.2" } as const;
const v6 = { host: "2001:db8:7::1", behind: "2001:db8:7::2" } as const;
const bytes = 20_000_000;

/** Hosts on both sides of a hub: one has the TAP, the other is behind an interface that was there before. */
describe("an interface that is bridged to a hub", () => {
  let lab: Lab;
  let scratch: string;
  let stations: Record<"host" | "behind", Namespace>;
  before(async () => {
    lab = await Lab.create();
    const [host, behind] = await Promise.all([lab.station("host"), lab.station("behind")]);
    stations = { host, behind };
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-packet-test-"));
  });
  after(async () => {
    await lab.dispose();
    await rm(scratch, { recursive: true });
  });

  /** A cable from `near`, on the host of the hub, to `far`, behind it. */
  async function lay(): Promise<void> {
    const { host, behind } = stations;
    await host.run("ip", ["link", "delete", "near"], { check: false });
    const peer = ["peer", "name", "far", "netns", behind.name];
    await host.run("ip", ["link", "add", "near", "type", "veth", ...peer]);
    await host.run("ip", ["link", "set", "near", "up"]);
    await behind.run("ip", ["link", "set", "far", "up"]);
    await setAddresses(behind, "far", "behind");
    // Until the kernel has seen the other end, it drops what is sent.
    const isUp = async (station: Namespace, name: string) =>
      /^\S+ +UP /.test((await station.run("ip", ["-br", "link", "show", name])).stdout);
    const deadline = performance.now() + 10_000;
    while (!(await isUp(host, "near")) || !(await isUp(behind, "far")))
      assert.ok(performance.now() < deadline, "the cable is up");
  }

  async function setAddresses(station: Namespace, name: string, side: keyof typeof plain): Promise<void> {
    await station.run("ip", ["address", "add", `${plain[side]}/24`, "dev", name]);
    await station.run("ip", ["address", "add", `${v6[side]}/64`, "dev", name, "nodad"]);
  }

  async function switchTo(device: string) {
    const child = startChild(stations.host, "switched-devices.ts", ["tap_hub", `packet:${device}`]);
    assert.equal(await child.nextLine(), "ready");
    await setAddresses(stations.host, "tap_hub", "host");
    return child;
  }

  async function pingsOf(from: Namespace, bytes: number): Promise<void> {
    const words = ["-q", "-c", "3", "-i", "0.01", "-s", String(bytes), "-W", "5", plain.behind];
    assert.match((await from.run("ping", words)).stdout, / 0% packet loss/);
  }

  async function pings(from: Namespace, to: string): Promise<void> {
    const { stdout } = await from.run("ping", ["-q", "-c", "20", "-i", "0.01", "-s", "1452", "-W", "5", to]);
    assert.match(stdout, / 0% packet loss/);
    assert.doesNotMatch(stdout, /duplicates/);
  }

  /** Both ways by HTTP, from the host of the TAP; the bytes have to be right. */
  async function transfers(address: string): Promise<void> {
    const { host } = stations;
    const all = Buffer.concat([...someBytes(bytes)]);
    const expected = createHash("sha256").update(all).digest("hex");
    const url = `http://${address}:8080/${bytes}`;
    const down = await host.run("sh", ["-c", 'curl -sS --max-time 60 "$0" | sha256sum', url]);
    assert.equal(down.stdout.split(" ")[0], expected);
    const file = join(scratch, "upload");
    await writeFile(file, all);
    const up = await host.run("curl", ["-sS", "--max-time", "60", "-H", "Expect:", "-T", file, url]);
    assert.equal(up.stdout, expected);
  }

  test("carries ping and TCP both ways, whatever the kernel leaves to a network card", async () => {
    const { host, behind } = stations;
    await lay();
    await using hub = await switchTo("near");
    assert.ok(hub);
    await pings(host, plain.behind);
    await pings(behind, plain.host);
    await pings(behind, v6.host);
    const whole = ["-q", "-c", "5", "-i", "0.01", "-s", "1472", "-M", "do", "-W", "5", plain.host];
    assert.match((await behind.run("ping", whole)).stdout, / 0% packet loss/);
    await using web = startChild(behind, "byte-server.ts");
    assert.equal(await web.nextLine(), "ready");
    await transfers(plain.behind);
    await transfers(`[${v6.behind}]`);
  });

  test("carries frames with a tag both ways, which kernels take off on the way", async () => {
    const { host, behind } = stations;
    await lay();
    await using hub = await switchTo("near");
    assert.ok(hub);
    // Broadcast, of VLAN 5 with priority 3 and of one in another, of an EtherType for experiments.
    const frameOf = (source: string, tags: string, text: string) =>
      Buffer.from(`ffffffffffff${source}${tags}88b5`, "hex").toString("hex") +
      Buffer.from(text.padEnd(50)).toString("hex");
    for (const tags of ["81006005", "88a80007810000ff"]) {
      const [fromHost, fromBehind] = [
        frameOf("020000000a01", tags, "from the host"),
        frameOf("020000000a02", tags, "from behind"),
      ];
      await using there = startChild(behind, "frame-probe.ts", ["far", fromBehind, fromHost.slice(-100)]);
      await using here = startChild(host, "frame-probe.ts", ["tap_hub", fromHost, fromBehind.slice(-100)]);
      for (const probe of [there, here]) assert.equal(await probe.nextLine(), "ready");
      assert.equal(await there.nextLine(), fromHost);
      assert.equal(await here.nextLine(), fromBehind);
    }
  });

  test("may be a bridge of the host, whose other ports are reached", async () => {
    const { host, behind } = stations;
    await lay();
    await host.run("ip", ["link", "add", "br0", "type", "bridge"]);
    await host.run("ip", ["link", "set", "near", "master", "br0"]);
    await host.run("ip", ["link", "set", "br0", "up"]);
    await using hub = await switchTo("br0");
    assert.ok(hub);
    await pings(host, plain.behind);
    await using web = startChild(behind, "byte-server.ts");
    assert.equal(await web.nextLine(), "ready");
    await transfers(plain.behind);
    await host.run("ip", ["link", "delete", "br0"]);
  });

  test("gets nothing longer than its MTU, also where frames of one flow come at once", async () => {
    const { host, behind } = stations;
    await lay();
    await host.run("ip", ["link", "set", "near", "mtu", "1000"]);
    await using hub = await switchTo("near");
    assert.ok(hub);
    await pingsOf(host, 500);
    const received = async () => {
      const { stdout } = await behind.run("cat", ["/sys/class/net/far/statistics/rx_bytes"]);
      return Number(stdout);
    };
    const former = await received();
    const send = (bytes: number) =>
      host.run(process.execPath, [
        "-e",
        // Not connected, so that an answer that nobody listens there is no error.
        `const socket = require("node:dgram").createSocket("udp4");
        for (let count = 0; count < 20; count++) socket.send(Buffer.alloc(${bytes}), 9, "${plain.behind}");
        setTimeout(() => socket.close(), 100);`,
      ]);
    await send(1_200);
    assert.ok((await received()) - former < 10_000, "what is too long is dropped");
    await send(900);
    const deadline = performance.now() + 10_000;
    while ((await received()) - former < 18_000) assert.ok(performance.now() < deadline, "the rest arrives");
  });

  test("is left as it was found", async () => {
    const { host } = stations;
    await lay();
    const details = async () => (await host.run("ip", ["-d", "link", "show", "near"])).stdout;
    const former = await details();
    const hub = await switchTo("near");
    assert.equal(await details(), former.replace("promiscuity 0", "promiscuity 1"));
    await hub.end();
    assert.equal(await details(), former);
  });

  test("that goes down or is deleted is told", async () => {
    const { host } = stations;
    await lay();
    await using hub = await switchTo("near");
    await host.run("ip", ["link", "set", "near", "down"]);
    assert.equal(await hub.nextLine(), "lost near: ENETDOWN: recvmmsg a packet socket");
    await hub.end();
    await lay();
    await using other = await switchTo("near");
    await host.run("ip", ["link", "delete", "near"]);
    assert.equal(await other.nextLine(), "lost near: ENETDOWN: recvmmsg a packet socket");
  });

  test("that gets another name is told, whoever has its name then", async () => {
    const { host } = stations;
    await lay();
    await using hub = await switchTo("near");
    // Kernels before 6.2 rename no interface that is up.
    const { code } = await host.run("ip", ["link", "set", "near", "name", "moved"], { check: false });
    if (code !== 0) {
      await host.run("ip", ["link", "set", "near", "down"]);
      await host.run("ip", ["link", "set", "near", "name", "moved"]);
    }
    assert.match((await hub.nextLine()) ?? "", /^lost near: (ENODEV|ENETDOWN): /);
    await host.run("ip", ["link", "delete", "moved"]);
  });

  test("is refused with a reason: it is not there, is down, is no Ethernet, or the right is missing", async () => {
    const { host } = stations;
    await lay();
    await host.run("ip", ["link", "set", "near", "down"]);
    for (const [device, reason] of [
      ["none0", "ENODEV: ioctl a UDP socket"],
      ["near", "near is down"],
      ["lo", "lo is not of Ethernet"],
      ["a/b", 'no network interface can be named "a/b"'],
    ] as const) {
      const child = startChild(host, "switched-devices.ts", [`packet:${device}`]);
      assert.ok((await child.nextLine())?.startsWith(`refused: ${reason}`), device);
      assert.equal(await child.end(), 1);
    }
    const unprivileged = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"];
    const child = startChild(host, "switched-devices.ts", ["packet:near"], unprivileged);
    assert.equal(await child.nextLine(), "refused: EPERM: socket of packets");
    assert.equal(await child.end(), 1);
  });
});
