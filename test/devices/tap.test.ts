import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { packetDeviceLimits } from "../../server/limits.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { startChild } from "./support/child.ts";

const addresses = { one: "198.18.7.1", other: "198.18.7.2" } as const;

const switchTaps = (station: Namespace, names: readonly string[], wrapper: readonly string[] = []) =>
  startChild(station, "switched-devices.ts", names, wrapper);

describe("a TAP", () => {
  let lab: Lab;
  let [station, elsewhere]: Namespace[] = [];
  before(async () => {
    lab = await Lab.create();
    [station, elsewhere] = await Promise.all([lab.station("taps"), lab.station("elsewhere")]);
  });
  after(() => lab.dispose());
  const stations = () => {
    assert.ok(station && elsewhere);
    return { station, elsewhere };
  };

  test("carries what the kernels of two hosts say to each other through a hub", async () => {
    const { station, elsewhere } = stations();
    await using taps = switchTaps(station, ["tap_one", "tap_other"]);
    assert.equal(await taps.nextLine(), "ready");
    const { stdout: shown } = await station.run("ip", ["link", "show", "tap_one"]);
    assert.match(shown, new RegExp(`,UP[,>].* qlen ${packetDeviceLimits.tapFrames}\\b`));
    // It goes on to work in another namespace, as it does when somebody gives it to a container.
    await station.run("ip", ["link", "set", "tap_other", "netns", elsewhere.name]);
    await station.run("ip", ["address", "add", `${addresses.one}/24`, "dev", "tap_one"]);
    await elsewhere.run("ip", ["address", "add", `${addresses.other}/24`, "dev", "tap_other"]);
    await elsewhere.run("ip", ["link", "set", "tap_other", "up"]);
    const ping = ["-q", "-c", "50", "-i", "0.01", "-s", "1472", "-M", "do", "-W", "5", addresses.other];
    assert.match((await station.run("ping", ping)).stdout, / 0% packet loss/);

    const server = elsewhere.spawn("iperf3", ["-s", "-1"], { stdio: "ignore" });
    const ended = once(server, "exit");
    const deadline = Date.now() + 10_000;
    while ((await elsewhere.run("ss", ["-Hltn", "sport = :5201"])).stdout.trim() === "") {
      assert.ok(Date.now() < deadline, "iperf3 listens");
    }
    await station.run("iperf3", ["-c", addresses.other, "-n", "64M"]);
    await ended;
  });

  test("has a name that is free for another one when it is closed", async () => {
    const { station } = stations();
    await using taps = startChild(station, "reopened-tap.ts", ["tap_again"]);
    assert.equal(await taps.nextLine(), "opened 5 times");
    assert.notEqual((await station.run("ip", ["link", "show", "tap_again"], { check: false })).code, 0);
  });

  test("goes with its server", async () => {
    const { station } = stations();
    const taps = switchTaps(station, ["tap_brief"]);
    assert.equal(await taps.nextLine(), "ready");
    assert.equal(await taps.end(), 0);
    assert.notEqual((await station.run("ip", ["link", "show", "tap_brief"], { check: false })).code, 0);
  });

  test("that somebody deletes is told, and the server goes on", async () => {
    const { station } = stations();
    await using taps = switchTaps(station, ["tap_gone", "tap_stays"]);
    assert.equal(await taps.nextLine(), "ready");
    await station.run("ip", ["link", "delete", "tap_gone"]);
    assert.equal(await taps.nextLine(), "lost tap_gone: EBADFD: read /dev/net/tun");
    assert.match((await station.run("ip", ["-br", "link", "show", "tap_stays"])).stdout, /UP/);
  });

  test("is refused with the system's reason: the name is in use, or the right is missing", async () => {
    const { station } = stations();
    await using taps = switchTaps(station, ["tap_held"]);
    assert.equal(await taps.nextLine(), "ready");
    const second = switchTaps(station, ["tap_held"]);
    assert.equal(await second.nextLine(), "refused: EBUSY: ioctl /dev/net/tun");
    assert.equal(await second.end(), 1);
    const unprivileged = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
    const third = switchTaps(station, ["tap_third"], unprivileged);
    assert.equal(await third.nextLine(), "refused: EPERM: ioctl /dev/net/tun");
    assert.equal(await third.end(), 1);
    const fourth = switchTaps(station, ["a name with spaces"]);
    assert.match((await fourth.nextLine()) ?? "", /refused: no network interface can be named/);
    assert.equal(await fourth.end(), 1);
  });
});
