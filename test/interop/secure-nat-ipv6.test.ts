import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { formatIpAddress } from "../../server/ethernet/packed-address.ts";
import { uniqueLocalPlanOf } from "../../server/ethernet/unique-local.ts";
import { createSecureNatSettings } from "../../server/settings/secure-nat-settings.ts";
import { startChild } from "../devices/support/child.ts";
import { someBytes } from "../devices/support/some-bytes.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { hubOf, OurServer, userOf } from "./support/our-server.ts";
import { VpnClient } from "./support/vpn-client.ts";

const mac = Uint8Array.of(0x5e, 0, 0, 0, 0, 9);
const plan = uniqueLocalPlanOf(mac);
const router = formatIpAddress(plan.address);
const routerLinkLocal = formatIpAddress(plan.linkLocal);
const network = formatIpAddress(plan.network.first);
/** In networks outside: of the web server, and one that the server's host has no way to. */
const web6 = "2001:db8:0:1::80";
const nowhere = "2600::1";
const bytes = 20_000_000;

describe("a client of a hub with SecureNAT, by IPv6", () => {
  let lab: Lab;
  let server: OurServer;
  let client: VpnClient;
  let web: Namespace;
  let resolvers: string;

  before(async () => {
    lab = await Lab.create();
    const [station, one, outside] = await Promise.all([
      lab.station("server"),
      lab.station("one"),
      lab.station("web"),
    ]);
    web = outside;
    await web.run("ip", ["addr", "add", `${web6}/128`, "dev", "lo"]);
    await station.run("ip", ["-6", "route", "add", "2001:db8:0:1::/64", "via", web.address6]);
    // `ip netns exec` shows it to the server as /etc/resolv.conf.
    resolvers = join("/etc/netns", station.name);
    await mkdir(resolvers, { recursive: true });
    await writeFile(join(resolvers, "resolv.conf"), `nameserver ${web.address}\n`);
    const secureNat = { ...createSecureNatSettings(mac), enabled: true };
    const careful = { RSandRAFilter: true };
    server = await OurServer.start(station, lab.directory, [
      hubOf(
        "DEFAULT",
        [userOf("alice", "secret of alice"), userOf("careful", "secret of careful", careful)],
        { secureNat },
      ),
    ]);
    client = await VpnClient.start(one);
    // Another router, as a client has one where it is: its packets would go out beside the VPN.
    await one.run("ip", [
      "-6",
      "route",
      "add",
      "default",
      "via",
      web.address6,
      "dev",
      "eth0",
      "metric",
      "1024",
    ]);
    await one.run("ip", ["link", "set", client.card, "up"]);
  });
  after(async () => {
    await lab?.dispose();
    await rm(resolvers, { recursive: true, force: true });
  });

  const ip6 = async (...words: string[]) => (await client.station.run("ip", ["-6", ...words])).stdout;
  const vpncmd = (command: string) =>
    server.station.run("vpncmd", ["localhost:5555", "/SERVER", "/ADMINHUB:DEFAULT", "/CMD", command]);
  const connect = (user: string) =>
    client.connect({ server: server.address, user, password: `secret of ${user}` });
  const hasRoute = async () =>
    (await ip6("route", "show", "default", "dev", client.card)).includes(routerLinkLocal);
  const hasAddress = async () => {
    const addresses = await ip6("addr", "show", "dev", client.card, "scope", "global", "-tentative");
    return addresses.includes(network.replace(/::$/, ":"));
  };
  /** What became of a program of the client that was to reach something, and how soon. */
  const attempt = async (command: string, ...words: string[]) => {
    const begunAt = performance.now();
    const { code, stdout, stderr } = await client.station.run(command, words, { check: false });
    return { code, text: stdout + stderr, ms: performance.now() - begunAt };
  };

  test("gets an address and a router as soon as it is connected, before others that it has", async () => {
    assert.equal(await hasRoute(), false);
    await connect("alice");
    // Nobody asks: the card has been up for a while, and its questions have become rare. Something is heard of it.
    await client.station.run("ip", ["addr", "add", "192.168.30.99/24", "dev", client.card]);
    await attempt("ping", "-c1", "-W1", "192.168.30.1");
    await client.until("the route", hasRoute);
    await client.until("an address", hasAddress);
    assert.match(await ip6("route", "show", "default", "dev", client.card), /proto ra .*pref high/);
    // The leak: the other router has the same metric, and would have been the only one.
    assert.match(await ip6("route", "show", "default", "dev", "eth0"), /metric 1024/);
    assert.match(await ip6("route", "get", web6), new RegExp(`via ${routerLinkLocal} dev ${client.card}`));
    assert.match(await ip6("route", "get", nowhere), new RegExp(`dev ${client.card}`));
  });

  test("reaches a host outside over TCP, with every byte right, both ways", async () => {
    await using bytesServer = startChild(web, "byte-server.ts");
    assert.equal(await bytesServer.nextLine(), "ready");
    const all = Buffer.concat([...someBytes(bytes)]);
    const expected = createHash("sha256").update(all).digest("hex");
    const url = `http://[${web6}]:8080/${bytes}`;
    const down = await client.station.run("sh", ["-c", 'curl -6 -sS --max-time 60 "$0" | sha256sum', url]);
    assert.equal(down.stdout.split(" ")[0], expected);
    const file = join(lab.directory, "upload");
    await writeFile(file, all);
    const words = ["-6", "-sS", "--max-time", "60", "-H", "Expect:", "-T", file, url];
    assert.equal((await client.station.run("curl", words)).stdout, expected);
  });

  test("reaches the virtual host and a host outside by ping, whole and in fragments", async () => {
    const ping = (address: string, ...more: string[]) => client.ping(address, 5, ["-6", ...more]);
    assert.equal(await ping(router), 5);
    assert.equal(await ping(`${routerLinkLocal}%${client.card}`), 5);
    // The first one waits for the calls into the operating system.
    assert.ok(await client.reaches(web6));
    assert.equal(await ping(web6, "-s", "1400"), 5);
    await server.station.run("sh", ["-c", `echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range`]);
    await vpncmd("SecureNatDisable");
    await client.until("the route to be gone", async () => !(await hasRoute()));
    await vpncmd("SecureNatEnable");
    await client.until("the route", hasRoute);
    await client.until("an address", hasAddress);
    assert.ok(await client.reaches(web6));
  });

  test("exchanges UDP of any length with a host outside, in fragments where it has to", async () => {
    const echo = web.spawn(
      process.execPath,
      [
        "-e",
        `const socket = require("node:dgram").createSocket("udp6");
        socket.on("message", (bytes, { address, port }) => socket.send(bytes.reverse(), port, address));
        socket.bind(7, "${web6}", () => console.log("ready"));`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    assert.ok(echo.stdout);
    await once(echo.stdout, "data");
    const program = `const socket = require("node:dgram").createSocket("udp6");
      const lengths = [0, 1, 1_400, 1_452, 1_453, 9_000, 40_000];
      const sent = lengths.map((length) => require("node:crypto").randomBytes(length));
      let right = 0;
      socket.on("message", (bytes) => {
        const expected = sent[right];
        if (!Buffer.from(bytes).reverse().equals(expected)) throw new Error(right + ": " + bytes.length);
        if (++right === sent.length) { console.log(right); socket.close(); } else next();
      });
      const next = () => socket.send(sent[right], 7, "${web6}");
      next();
      setTimeout(() => { console.log("only", right); process.exit(); }, 10_000).unref();`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    assert.equal(stdout.trim(), "7");
    echo.kill();
  });

  test("asks the virtual host for names by IPv6, over UDP and TCP", async () => {
    await using nameServer = startChild(web, "name-server.ts", [web.address]);
    assert.equal(await nameServer.nextLine(), "ready");
    const program = `const { Resolver } = require("node:dns/promises");
      const resolver = new Resolver({ timeout: 20_000, tries: 1 }); resolver.setServers(["[${router}]:53"]);
      Promise.all([resolver.resolve4("web.lab.example"), resolver.resolveTxt("long.lab.example")])
        .then(([[address], [parts]]) => console.log(address, parts.join("").length));`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    assert.equal(stdout.trim(), `${web.address} ${8 * 255}`);
  });

  test("is told at once where the server's host has no way, and goes on by IPv4", async () => {
    const tcp = await attempt("curl", "-6", "-sS", "--max-time", "20", `http://[${nowhere}]/`);
    assert.match(tcp.text, /Failed to connect/);
    assert.ok(tcp.ms < 2_000, `${tcp.ms} ms`);
    await using bytesServer = startChild(web, "byte-server.ts");
    assert.equal(await bytesServer.nextLine(), "ready");
    const both = `both.example:8080:[${nowhere}],${web.address}`;
    const name = "http://both.example:8080/5";
    const by4 = await attempt(
      "curl",
      "-sS",
      "--max-time",
      "20",
      "--resolve",
      both,
      "-w",
      " by %{remote_ip}",
      "-o/dev/null",
      name,
    );
    assert.equal(by4.text, ` by ${web.address}`);
    assert.ok(by4.ms < 2_000, `${by4.ms} ms`);
    const ping = await attempt("ping", "-6", "-c1", "-W10", nowhere);
    assert.match(ping.text, /Destination unreachable: No route/);
    const program = `const socket = require("node:dgram").createSocket("udp6");
      socket.on("error", ({ code }) => { console.log(code); socket.close(); });
      socket.on("connect", () => socket.send("x"));
      socket.connect(9, "${nowhere}");
      setTimeout(() => { console.log("nothing"); process.exit(); }, 10_000).unref();`;
    // Of UDP the system tells the second time.
    const twice = program.replace(
      'socket.send("x")',
      'socket.send("x", () => setTimeout(() => socket.send("x"), 500))',
    );
    const udp = await attempt(process.execPath, "-e", twice);
    assert.match(udp.text, /ECONNREFUSED/);
    const status = (await server.status()).hubs[0]?.secureNat;
    assert.equal(status?.ipv6, "refused");
    await server.station.run("ip", ["-6", "route", "add", "default", "via", web.address6]);
    assert.equal((await server.status()).hubs[0]?.secureNat?.ipv6, "user");
    await server.station.run("ip", ["-6", "route", "del", "default"]);
  });

  test("does not reach what is closed, nor ports of the server's host by way of the virtual host", async () => {
    for (const address of ["fd00:ec2::254", "64:ff9b::169.254.169.254", "2002:7f00:1::1", router]) {
      const { text, ms } = await attempt(
        "curl",
        "-6",
        "-sS",
        "--max-time",
        "20",
        `http://[${address}]:5555/`,
      );
      assert.match(text, /Failed to connect/, address);
      assert.ok(ms < 2_000, `${ms} ms`);
    }
  });

  test("is not told of a router where its policy says so", async () => {
    await client.disconnect();
    await ip6("route", "flush", "proto", "ra", "dev", client.card);
    await connect("careful");
    assert.ok(await client.reaches("192.168.30.1"), "IPv4 is as before");
    // Once more, since advertisements go out by the side of answers.
    assert.ok(await client.reaches("192.168.30.1"));
    assert.equal(await hasRoute(), false);
  });
});
