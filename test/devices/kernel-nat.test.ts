import assert from "node:assert/strict";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { formatIpAddress } from "../../server/ethernet/packed-address.ts";
import type { TrackedCounts } from "../../server/host-nat/tracked-connections.ts";
import type { NatEntry } from "../../server/secure-nat/nat-entry.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { startChild } from "./support/child.ts";
import { transferBothWays } from "./support/transfer.ts";

/** Of the virtual host, and of a client behind the TAP. */
const [router, client] = ["192.168.30.1", "192.168.30.50"];
const forwarding = "/proc/sys/net/ipv4/ip_forward";

describe("NAT by the host's kernel", () => {
  let lab: Lab;
  let scratch: string;
  let host: Namespace;
  let behind: Namespace;
  let web: Namespace;
  before(async () => {
    lab = await Lab.create();
    [host, behind, web] = await Promise.all([lab.station("host"), lab.station("behind"), lab.station("web")]);
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-kernel-nat-test-"));
    await host.run("ip", ["route", "add", "default", "via", web.address]);
  });
  after(async () => {
    await lab.dispose();
    await rm(scratch, { recursive: true });
  });
  beforeEach(() => writeForwarding("0"));
  afterEach(() => host.run("nft", ["flush", "ruleset"]));

  const record = () => join(scratch, "forwarding.json");
  const writeForwarding = (value: string) => host.run("sh", ["-c", `echo ${value} >${forwarding}`]);
  const readForwarding = async () => (await host.run("cat", [forwarding])).stdout.trim();
  const ruleset = async () => (await host.run("nft", ["list", "ruleset"])).stdout;
  const nft = (...commands: readonly string[]) => host.run("nft", [commands.join("\n")]);

  /** The virtual host, its TAP in the client's namespace. */
  async function start(mostTcp = 0, mostConnecting = 0) {
    const args = ["tap_vpn", "", record(), String(mostTcp), String(mostConnecting)];
    const child = startChild(host, "nat-behind-tap.ts", args);
    const said: string[] = [];
    for (;;) {
      const line = await child.nextLine();
      if (line === undefined || line === "ready") break;
      said.push(line);
    }
    await host.run("ip", ["link", "set", "tap_vpn", "netns", behind.name]);
    await behind.run("ip", ["link", "set", "tap_vpn", "up"]);
    await behind.run("ip", ["address", "add", `${client}/24`, "dev", "tap_vpn"]);
    await behind.run("ip", ["route", "add", web.address, "via", router]);
    const check = async () => {
      child.write("check");
      return child.nextLine();
    };
    const list = async () => {
      child.write("list");
      return JSON.parse((await child.nextLine()) ?? "") as {
        readonly counts: TrackedCounts;
        readonly entries: readonly NatEntry[];
      };
    };
    const look = async () => {
      child.write("look");
      assert.equal(await child.nextLine(), "look");
    };
    return { ...child, said, check, list, look };
  }

  test("carries TCP both ways, and puts the host back afterwards", async () => {
    await using server = startChild(web, "byte-server.ts");
    assert.equal(await server.nextLine(), "ready");
    {
      await using nat = await start();
      assert.deepEqual(nat.said, []);
      assert.equal(await readForwarding(), "1");
      await transferBothWays(behind, web, 64_000_000, scratch);
      // Whom the server of the page saw is the host.
      assert.match((await host.run("nft", ["list", "ruleset"])).stdout, /masquerade/);
    }
    assert.deepEqual([await readForwarding(), await ruleset()], ["0", ""]);
    await assert.rejects(access(record()));
  });

  test("holds a client to the connections that its hub allows, refuses others at once and counts them", async () => {
    await using server = startChild(web, "byte-server.ts");
    assert.equal(await server.nextLine(), "ready");
    await using nat = await start(3);
    assert.deepEqual(nat.said, []);
    const script = `const { connect } = require("node:net");
      const open = () => new Promise((resolve) => {
        const socket = connect(8080, "${web.address}", () => resolve("open")).on("error", ({ code }) => resolve(code));
        socket.setTimeout(5_000, () => resolve("nothing"));
      });
      (async () => {
        const ends = [];
        while (ends.length < 5) ends.push(await open());
        console.log(ends.join(" "));
        process.exit();
      })();`;
    const { stdout } = await behind.run(process.execPath, ["-e", script]);
    assert.equal(stdout.trim(), "open open open ECONNREFUSED ECONNREFUSED");
    const listed = (await host.run("nft", ["list", "counters"])).stdout;
    assert.match(listed, /counter refused_\w+ \{\s+packets 2 /);
  });

  test("holds a client to connections that nobody has answered, and counts those that are open no more", async () => {
    await using server = startChild(web, "byte-server.ts");
    assert.equal(await server.nextLine(), "ready");
    await using nat = await start(0, 3);
    assert.deepEqual(nat.said, []);
    // Nobody has this address, and the host knows no better than to ask for it.
    const nobody = "198.51.100.77";
    await host.run("ip", ["route", "add", nobody, "dev", "eth0"]);
    await host.run("ip", [
      "neighbour",
      "add",
      nobody,
      "lladdr",
      "02:00:00:00:00:77",
      "dev",
      "eth0",
      "nud",
      "permanent",
    ]);
    await behind.run("ip", ["route", "add", nobody, "via", router]);
    try {
      const script = `const { connect } = require("node:net");
        const open = (address) => new Promise((resolve) => {
          const socket = connect(8080, address, () => resolve("open")).on("error", ({ code }) => resolve(code));
          socket.setTimeout(500, () => resolve("nothing"));
        });
        (async () => {
          const ends = [];
          for (let count = 0; count < 6; count++) ends.push(await open("${web.address}"));
          for (let count = 0; count < 5; count++) ends.push(await open("${nobody}"));
          console.log(ends.join(" "));
          process.exit();
        })();`;
      const { stdout } = await behind.run(process.execPath, ["-e", script]);
      assert.equal(
        stdout.trim(),
        "open open open open open open nothing nothing nothing ECONNREFUSED ECONNREFUSED",
      );
    } finally {
      await host.run("ip", ["route", "del", nobody, "dev", "eth0"]);
      await host.run("ip", ["neighbour", "del", nobody, "dev", "eth0"]);
    }
  });

  test("lists what the kernel follows, with the addresses of the hub, and with bytes where the kernel counts", async () => {
    await using server = startChild(web, "byte-server.ts");
    assert.equal(await server.nextLine(), "ready");
    const counting = "/proc/sys/net/netfilter/nf_conntrack_acct";
    await host.run("sh", ["-c", `echo 1 >${counting}`]);
    // Of somebody else.
    await host.run("ping", ["-c", "1", "-W", "2", web.address]);
    await using nat = await start();
    assert.deepEqual(nat.said, []);
    await behind.run("ping", ["-c", "1", "-W", "2", web.address]);
    const script = `const { connect } = require("node:net"), { createSocket } = require("node:dgram");
      createSocket("udp4").send("x", 4711, "${web.address}", () => connect(8080, "${web.address}", () => process.stdout.write("open")));
      process.stdin.resume().once("end", () => process.exit());`;
    const connected = behind.spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
    assert.ok(connected.stdout && connected.stdin);
    await once(connected.stdout, "data");
    try {
      // Of other tests the kernel may still follow some, and one list holds for a second.
      let told = await nat.list();
      const find = (protocol: string, state: string) =>
        told.entries.find((entry) => entry.protocol === protocol && entry.state === state);
      for (const until = Date.now() + 20_000; !find("tcp", "established") && Date.now() < until;)
        told = await nat.list();
      const [tcp, udp, ping] = [find("tcp", "established"), find("udp", "none"), find("ping", "none")];
      assert.ok(ping);
      assert.deepEqual([tcp?.remotePort, udp?.remotePort], [8_080, 4_711]);
      for (const protocol of ["tcp", "udp", "ping"] as const) {
        const those = told.entries.filter((entry) => entry.protocol === protocol);
        assert.equal(those.length, told.counts[protocol]);
      }
      for (const { client: from, remote, usedAt } of told.entries) {
        assert.deepEqual([formatIpAddress(from), formatIpAddress(remote).split(".").length], [client, 4]);
        assert.ok(Math.abs(Date.now() - usedAt) < 300_000, String(usedAt));
      }
      assert.equal(formatIpAddress(tcp?.remote ?? 0), web.address);
      assert.equal(udp?.sent, 29);
    } finally {
      connected.stdin.end();
      await once(connected, "exit");
      await host.run("sh", ["-c", `echo 0 >${counting}`]);
    }
  });

  test("carries pings, fragments, and what routers say of packets that come too far", async () => {
    await using nat = await start();
    assert.deepEqual(nat.said, []);
    const ping = async (...args: readonly string[]) =>
      (await behind.run("ping", ["-n", "-c", "3", "-i", "0.1", "-W", "2", ...args], { check: false })).stdout;
    assert.match(await ping(web.address), / 0% packet loss/);
    assert.match(await ping("-s", "4000", web.address), / 0% packet loss/);
    assert.match(
      await ping("-t", "1", web.address),
      new RegExp(`From ${router.replaceAll(".", "\\.")}.*live exceeded`),
    );
    // The way on from the host has a smaller MTU than the client.
    await host.run("ip", ["link", "set", "eth0", "mtu", "1300"]);
    try {
      const tooLong = await ping("-M", "do", "-s", "1400", web.address);
      assert.match(tooLong, /[Ff]rag needed.*mtu = 1300|message too long, mtu=1300/);
    } finally {
      await host.run("ip", ["link", "set", "eth0", "mtu", "1500"]);
    }
  });

  test("leads nobody in from outside, and nobody from one interface of the host to another", async () => {
    await using nat = await start();
    assert.deepEqual(nat.said, []);
    await behind.run("ping", ["-c", "1", "-W", "2", web.address]);
    // Of the client, as the kernel has it.
    const outer = "198.18.14.50";
    await web.run("ip", ["route", "replace", "198.18.0.0/15", "via", host.address]);
    const { stdout } = await web.run("ping", ["-c", "2", "-i", "0.2", "-W", "1", outer], { check: false });
    assert.match(stdout, /100% packet loss/);
    assert.match(await ruleset(), /apart \{[^}]*"eth0"[^]*iifname @apart oifname @apart drop/);
  });

  test("leads nobody from an interface that comes later to one that was there", async () => {
    await using nat = await start();
    assert.deepEqual(nat.said, []);
    const [here, there] = ["203.0.113.1", "203.0.113.2"];
    await host.run("ip", [
      "link",
      "add",
      "late0",
      "type",
      "veth",
      "peer",
      "name",
      "late1",
      "netns",
      behind.name,
    ]);
    try {
      await host.run("ip", ["address", "add", `${here}/24`, "dev", "late0"]);
      await host.run("ip", ["link", "set", "late0", "up"]);
      await behind.run("ip", ["link", "set", "late1", "up"]);
      await behind.run("ip", ["address", "add", `${there}/24`, "dev", "late1"]);
      await behind.run("ip", ["route", "replace", web.address, "via", here, "dev", "late1"]);
      await web.run("ip", ["route", "replace", "203.0.113.0/24", "via", host.address]);
      const ping = async () =>
        (await behind.run("ping", ["-n", "-c", "2", "-i", "0.2", "-W", "2", web.address], { check: false }))
          .stdout;
      assert.match(await ping(), / 0% packet loss/, "or what follows shows nothing");
      await nat.look();
      await nat.look();
      assert.match(await ping(), / 100% packet loss/);
    } finally {
      await host.run("ip", ["link", "delete", "late0"]);
      await web.run("ip", ["route", "del", "203.0.113.0/24"]);
    }
  });

  test("refuses closed addresses as the server's own NAT does", async () => {
    await using nat = await start();
    assert.deepEqual(nat.said, []);
    const metadata = "169.254.169.254";
    await behind.run("ip", ["route", "add", metadata, "via", router]);
    const { stderr } = await behind.run("timeout", ["5", "bash", "-c", `exec 3<>/dev/tcp/${metadata}/80`], {
      check: false,
    });
    assert.match(stderr, /Connection refused/);
  });

  test("is given up where the host's firewall drops what it is to forward, with the name of the chain", async () => {
    // As Docker and ufw have it.
    await nft(
      "add table ip filter",
      "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }",
    );
    const before = await ruleset();
    {
      await using nat = await start();
      assert.deepEqual(nat.said, [
        "the host's firewall drops what it is to forward (chain FORWARD of table ip filter drops by default)",
      ]);
    }
    assert.deepEqual([await readForwarding(), await ruleset()], ["0", before]);
    await assert.rejects(access(record()));
  });

  test("works beside such a firewall that lets our interfaces through", async () => {
    await nft(
      "add table ip filter",
      "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }",
      'add rule ip filter FORWARD iifname "vpnnat*" accept',
      'add rule ip filter FORWARD oifname "vpnnat*" ct state established,related accept',
    );
    await using nat = await start();
    assert.deepEqual(nat.said, []);
    await behind.run("ping", ["-c", "1", "-W", "2", web.address]);
  });

  test("tells a firewall that refuses, and a host without a way out", async () => {
    await nft(
      "add table inet firewalld",
      "add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }",
      "add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited",
    );
    {
      await using nat = await start();
      assert.deepEqual(nat.said, ["the host's firewall refuses to forward"]);
    }
    await nft(
      "flush ruleset",
      "add table ip filter",
      "add chain ip filter FORWARD { type filter hook forward priority 0; policy accept; }",
      "add rule ip filter FORWARD meta l4proto tcp reject with tcp reset",
    );
    {
      await using nat = await start();
      assert.deepEqual(nat.said, ["the host's firewall refuses to forward"]);
    }
    await nft("flush ruleset");
    await host.run("ip", ["route", "del", "default"]);
    try {
      await using nat = await start();
      assert.deepEqual(nat.said, ["the host has no route to the Internet"]);
    } finally {
      await host.run("ip", ["route", "add", "default", "via", web.address]);
    }
  });

  test("survives that somebody flushes all rules and switches forwarding off, and notices a new firewall", async () => {
    await using nat = await start();
    await nft("flush ruleset");
    await writeForwarding("0");
    assert.equal(await nat.check(), "passes");
    assert.equal(await readForwarding(), "1");
    await behind.run("ping", ["-c", "1", "-W", "2", web.address]);
    await nft(
      "add table ip filter",
      "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }",
    );
    assert.match((await nat.check()) ?? "", /drops what it is to forward/);
  });

  test("leaves forwarding on where another program has come to need it", async () => {
    {
      await using nat = await start();
      assert.deepEqual(nat.said, []);
      await nft(
        "add table ip docker",
        "add chain ip docker POSTROUTING { type nat hook postrouting priority 100; }",
      );
    }
    assert.equal(await readForwarding(), "1");
  });

  test("sends nothing out when it is tried", async () => {
    await web.run("nft", [
      "add table ip seen; add chain ip seen prerouting { type filter hook prerouting priority 0; }; " +
        "add rule ip seen prerouting ip daddr 192.0.2.1 counter",
    ]);
    const seen = async () =>
      /counter packets (\d+)/.exec((await web.run("nft", ["list", "table", "ip", "seen"])).stdout)?.[1];
    {
      await using nat = await start();
      // More than the errors of ICMP that a kernel sends at once.
      for (let count = 0; count < 50; count++) assert.equal(await nat.check(), "passes");
      assert.equal(await seen(), "0");
      // Only where the rules were flushed meanwhile does one get to the next router, where it ends.
      await nft("flush ruleset");
      assert.equal(await nat.check(), "passes");
      assert.equal(await seen(), "1");
    }
    await web.run("nft", ["delete table ip seen"]);
  });

  test("takes a right of root's, which a process knows whether it has", async () => {
    const source = new URL("../../server/platform/proc.ts", import.meta.url).href;
    const program = `import { hasCapability } from "${source}"; console.log(hasCapability("CAP_NET_ADMIN"));`;
    const asked = async (...privileges: readonly string[]) => {
      const node = [process.execPath, "--input-type=module-typescript", "-e", program];
      return (await host.run("setpriv", [...privileges, ...node])).stdout.trim();
    };
    assert.equal(await asked("--inh-caps=-all"), "true");
    assert.equal(await asked("--bounding-set=-net_admin"), "false");
  });

  test("serves two hubs with the same addresses", async () => {
    await using nat = await start();
    await using other = startChild(host, "nat-behind-tap.ts", ["tap_two", "", join(scratch, "other.json")]);
    assert.equal(await other.nextLine(), "ready");
    const second = await lab.station("second");
    await host.run("ip", ["link", "set", "tap_two", "netns", second.name]);
    await second.run("ip", ["link", "set", "tap_two", "up"]);
    await second.run("ip", ["address", "add", `${client}/24`, "dev", "tap_two"]);
    await second.run("ip", ["route", "add", web.address, "via", router]);
    for (const each of [behind, second, behind, second])
      await each.run("ping", ["-c", "1", "-W", "2", web.address]);
    assert.equal(await nat.check(), "passes");
    assert.match(await ruleset(), /hubs \{.* 198\.18\.0\.0 : .*hubs \{.* 198\.18\.16\.0 : /s);
  });
});
