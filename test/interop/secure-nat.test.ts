import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSecureNatSettings } from "../../server/settings/secure-nat-settings.ts";
import { startChild } from "../devices/support/child.ts";
import { someBytes } from "../devices/support/some-bytes.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { until } from "../processes/try-server.ts";
import { hubOf, OurServer, userOf } from "./support/our-server.ts";
import { leaseByDhclient } from "./support/dhclient.ts";
import { VpnClient } from "./support/vpn-client.ts";

const router = "192.168.30.1";
const bytes = 20_000_000;

describe("a client of a hub with SecureNAT", () => {
  let lab: Lab;
  let server: OurServer;
  let client: VpnClient;
  let web: Namespace;
  let scratch: string;
  let address: string;
  let resolvers: string;
  let resolverFile: string;

  before(async () => {
    lab = await Lab.create();
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-secure-nat-test-"));
    const [station, one, outside] = await Promise.all([
      lab.station("server"),
      lab.station("one"),
      lab.station("web"),
    ]);
    web = outside;
    // `ip netns exec` shows it to the server as /etc/resolv.conf.
    resolvers = join("/etc/netns", station.name);
    await mkdir(resolvers, { recursive: true });
    resolverFile = join(resolvers, "resolv.conf");
    await writeFile(resolverFile, `nameserver ${web.address}\n`);
    const secureNat = { ...createSecureNatSettings(Uint8Array.of(0x5e, 0, 0, 0, 0, 9)), enabled: true };
    server = await OurServer.start(station, lab.directory, [
      hubOf("DEFAULT", [userOf("alice", "secret of alice")], { secureNat }),
    ]);
    client = await VpnClient.start(one);
    await client.connect({ server: server.address, user: "alice", password: "secret of alice" });
  });
  after(async () => {
    await lab?.dispose();
    await rm(resolvers, { recursive: true, force: true });
    await rm(scratch, { recursive: true, force: true });
  });

  const vpncmd = async (command: string) => {
    const { stdout } = await server.station.run("vpncmd", [
      "localhost:5555",
      "/SERVER",
      "/ADMINHUB:DEFAULT",
      "/CMD",
      command,
    ]);
    return stdout;
  };

  test("gets its address, name server and route by DHCP", async () => {
    const lease = await leaseByDhclient(client.station, client.card, scratch);
    assert.equal(lease["ip_address"], "192.168.30.10");
    assert.equal(lease["routers"], router);
    assert.equal(lease["domain_name_servers"], router);
    address = lease["ip_address"] ?? "";
    await client.station.run("ip", ["route", "replace", web.address, "via", router]);
  });

  test("reaches a host outside over TCP, with every byte right, both ways", async () => {
    await using bytesServer = startChild(web, "byte-server.ts");
    assert.equal(await bytesServer.nextLine(), "ready");
    const all = Buffer.concat([...someBytes(bytes)]);
    const expected = createHash("sha256").update(all).digest("hex");
    const url = `http://${web.address}:8080/${bytes}`;
    const down = await client.station.run("sh", ["-c", 'curl -sS --max-time 60 "$0" | sha256sum', url]);
    assert.equal(down.stdout.split(" ")[0], expected);
    const file = join(scratch, "upload");
    await writeFile(file, all);
    const up = await client.station.run("curl", [
      "-sS",
      "--max-time",
      "60",
      "-H",
      "Expect:",
      "-T",
      file,
      url,
    ]);
    assert.equal(up.stdout, expected);
  });

  test("reaches the virtual host by ping, and does not reach the server's own loopback", async () => {
    assert.equal(await client.ping(router, 5), 5);
    const script = `exec 3<>/dev/tcp/${router}/5555`;
    const { stderr } = await client.station.run("timeout", ["5", "bash", "-c", script], { check: false });
    assert.match(stderr, /Connection refused/);
  });

  test("reaches a host outside by ping, by whichever socket the system allows", async () => {
    // The first one waits for the calls into the operating system.
    assert.ok(await client.reaches(web.address));
    assert.equal(await client.ping(web.address, 5), 5);
    const range = "/proc/sys/net/ipv4/ping_group_range";
    await server.station.run("sh", ["-c", `echo "0 2147483647" >${range}`]);
    await vpncmd("SecureNatDisable");
    await vpncmd("SecureNatEnable");
    assert.equal(await client.ping(web.address, 5, ["-s", "1400"]), 5);
    assert.match(await vpncmd("SecureNatStatusGet"), /ICMP Sessions/);
  });

  test("asks the name servers of the server's host, for records of any type", async () => {
    await using nameServer = startChild(web, "name-server.ts", [web.address]);
    assert.equal(await nameServer.nextLine(), "ready");
    const program = `const { Resolver } = require("node:dns/promises");
      const resolver = new Resolver(); resolver.setServers(["${router}"]);
      Promise.all([resolver.resolve4("web.lab.example"), resolver.resolveTxt("web.lab.example")])
        .then((answers) => console.log(JSON.stringify(answers.flat(2))));`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    assert.deepEqual(JSON.parse(stdout), [web.address, "of the lab"]);
  });

  test("asks them over TCP too, also where the first of them is not there", async () => {
    await using nameServer = startChild(web, "name-server.ts", [web.address]);
    assert.equal(await nameServer.nextLine(), "ready");
    // On the server's own host nobody is.
    await writeFile(resolverFile, `nameserver ${server.address}\nnameserver ${web.address}\n`);
    const program = `const { Resolver } = require("node:dns/promises");
      const resolver = new Resolver({ timeout: 20_000, tries: 1 }); resolver.setServers(["${router}"]);
      resolver.resolveTxt("long.lab.example").then(([parts]) => console.log(parts.join("").length));`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    assert.equal(stdout.trim(), String(8 * 255));
    await writeFile(resolverFile, `nameserver ${web.address}\n`);
  });

  test("is told that no name server answers, and has other names meanwhile", async () => {
    await using nameServer = startChild(web, "name-server.ts", [web.address]);
    assert.equal(await nameServer.nextLine(), "ready");
    // Without a resolver in between, which would ask again and elsewhere.
    const program = `const socket = require("node:dgram").createSocket("udp4");
      const names = [...Array(40).fill("silent"), ...Array(10).fill("other")];
      const said = [];
      socket.on("message", (answer) => {
        const { length } = names[answer.readUInt16BE()];
        said.push([answer[3] & 15, answer.toString("latin1", 13, 13 + length)].join(" "));
        if (said.length === names.length) { console.log(JSON.stringify(said)); socket.close(); }
      });
      names.forEach((name, number) => {
        const query = Buffer.from("0000010000010000000000000000010001", "hex");
        const label = Buffer.concat([Buffer.of(name.length), Buffer.from(name)]);
        const message = Buffer.concat([query.subarray(0, 12), label, query.subarray(12)]);
        message.writeUInt16BE(number);
        socket.send(message, 53, "${router}");
      });
      setTimeout(() => { console.log(JSON.stringify(said)); process.exit(); }, 20_000).unref();`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    const expected = [...Array<string>(10).fill("0 other"), ...Array<string>(40).fill("2 silent")];
    assert.deepEqual(JSON.parse(stdout), expected);
  });

  test("finds names without a domain by LLMNR", async () => {
    await using nameServer = startChild(web, "name-server.ts", [web.address]);
    assert.equal(await nameServer.nextLine(), "ready");
    // Number, flags, one question: web, type A, class IN.
    const query = "123400000001000000000000" + "03776562000001" + "0001";
    const program = `const socket = require("node:dgram").createSocket("udp4");
      socket.on("message", (answer, { address }) => {
        console.log(address, answer.toString("hex"));
        socket.close();
      });
      socket.bind(0, "${address}", () => {
        socket.setMulticastInterface("${address}");
        socket.send(Buffer.from("${query}", "hex"), 5355, "224.0.0.252");
      });
      setTimeout(() => process.exit(1), 10_000).unref();`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    const [from, answer = ""] = stdout.trim().split(" ");
    assert.equal(from, router);
    assert.ok(answer.startsWith("12348000"), answer);
    assert.ok(answer.endsWith(Buffer.from(web.address.split(".").map(Number)).toString("hex")), answer);
  });

  test("exchanges UDP of any length with a host outside, in fragments where it has to", async () => {
    const echo = web.spawn(
      process.execPath,
      [
        "-e",
        `const socket = require("node:dgram").createSocket("udp4");
        socket.on("message", (bytes, { address, port }) => socket.send(bytes.reverse(), port, address));
        socket.bind(7, () => console.log("ready"));`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    assert.ok(echo.stdout);
    await once(echo.stdout, "data");
    const program = `const socket = require("node:dgram").createSocket("udp4");
      const lengths = [0, 1, 1_400, 1_472, 1_473, 9_000, 40_000];
      const sent = lengths.map((length) => require("node:crypto").randomBytes(length));
      let right = 0;
      socket.on("message", (bytes) => {
        const expected = sent[right];
        if (!Buffer.from(bytes).reverse().equals(expected)) throw new Error(right + ": " + bytes.length);
        if (++right === sent.length) { console.log(right); socket.close(); } else next();
      });
      const next = () => socket.send(sent[right], 7, "${web.address}");
      next();
      setTimeout(() => { console.log("only", right); process.exit(); }, 10_000).unref();`;
    const { stdout } = await client.station.run(process.execPath, ["-e", program]);
    assert.equal(stdout.trim(), "7");
    echo.kill();
  });

  test("is in the tables that vpncmd shows", async () => {
    assert.match(await vpncmd("DhcpTable"), /Allocated IP +\|192\.168\.30\.10/);
    assert.match(await vpncmd("SecureNatStatusGet"), /DHCP Clients +\|1 Client/);
    assert.match(await vpncmd("DhcpGet"), /Start Distribution Address Band\|192\.168\.30\.10/);
  });

  test("loses it when an administrator switches it off, and has it again afterwards", async () => {
    await vpncmd("SecureNatDisable");
    assert.equal(await client.ping(router, 2, ["-W", "1"]), 0);
    await vpncmd("SecureNatEnable");
    assert.ok(await client.reaches(router));
  });

  test("is still in the tables when the worker was started again", async () => {
    const leases = join(server.stateDirectory, "leases.json");
    await until("the lease in its file", async () =>
      (await readFile(leases, "utf8").catch(String)).includes(address),
    );
    const { worker } = await server.status();
    process.kill(worker.pid, "SIGKILL");
    await until("the lease in the table", async () =>
      (await vpncmd("DhcpTable").catch(String)).includes(`|${address}`),
    );
  });
});
