import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import { VpnClient } from "../interop/support/vpn-client.ts";
import { until } from "../processes/try-server.ts";
import { Desktop, places, type Picture } from "./support/desktop.ts";
import { WindowsHost } from "./support/windows-host.ts";

const stateOnDriveC = "ProgramData/vpnserver";

const hasIcon = (picture: Picture) =>
  picture.covered(...places.bar) > 3_000 && picture.at(places.icon.x, places.icon.y) !== picture.at(100, 40);
const hasMenu = (picture: Picture) => picture.covered(...places.menu) > 4_000;
/** In the middle of the screen. */
const hasBox = (picture: Picture) => picture.covered(300, 240, 500, 360) > 20_000;

describe("the server on Windows, in user mode with an icon", () => {
  let lab: Lab;
  let host: WindowsHost;
  let desktop: Desktop;

  before(async () => {
    lab = await Lab.create();
    host = await WindowsHost.create(lab, "windows");
    desktop = await Desktop.open(host);
  });
  after(async () => {
    await host?.dispose();
    await lab?.dispose();
  });

  async function succeed(words: readonly string[], input = ""): Promise<void> {
    const { code, stdout, stderr } = await host.vpnserver(words, { input });
    assert.equal(code, 0, `${words.join(" ")}: ${stdout}${stderr}`);
  }
  const runs = async () => (await host.vpnserver(["status"])).code === 0;
  const logEnds = async () =>
    /info supervisor ended\n$/.test(await host.readDriveC(`${stateOnDriveC}/log/server.log`));
  async function verb(words: readonly string[], wanted = 0): Promise<string> {
    const { code, stdout, stderr } = await desktop.vpnserver(words);
    assert.equal(code, wanted, stdout + stderr);
    return stdout + stderr;
  }

  test("a click on /usermode starts the server, with an icon and no window", async () => {
    await desktop.start([host.executable, "/usermode"]);
    await until("the server", runs, 60_000);
    await desktop.shows("icon", (picture) => hasIcon(picture) && !hasBox(picture));
    await desktop.share();
  });

  test("a vpnclient gets in", async () => {
    const users = [{ name: "alice", password: "secret of alice" }];
    await succeed(["apply"], JSON.stringify({ hubs: [{ name: "DEFAULT", users }] }));
    const client = await VpnClient.start(await lab.station("client"));
    const { address } = host.station;
    await client.connect({ server: address, port: 5555, user: "alice", password: "secret of alice" });
    await client.setAddress("192.168.30.99/24");
    assert.ok(await client.reaches("192.168.30.1"));
    await client.disconnect();
  });

  test("a second start says that one runs already", async () => {
    assert.match(await verb(["/usermode"], 3), /is already running/);
    assert.ok(await runs());
  });

  test("/install is refused nothing by it, and the service cannot start beside it", async () => {
    const { code, stderr } = await host.vpnserver(["/install"]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /was installed, and does not run: it ended while it started \(exit code 3/);
    await succeed(["/uninstall"]);
  });

  test("the menu hides the icon after a question, and the server goes on", async () => {
    await desktop.click(places.icon, "right");
    await desktop.shows("menu", hasMenu);
    await desktop.click(places.hide);
    await desktop.shows("question before the icon goes", hasBox);
    await desktop.clickUntil(
      places.questionOk,
      "hidden icon",
      (picture) => !hasIcon(picture) && !hasBox(picture),
    );
    assert.ok(await runs());
  });

  test("the icon stays hidden after a restart, until it is to be shown", async () => {
    await succeed(["stop"]);
    await verb(["/usermode"]);
    assert.ok(await runs());
    assert.ok(!hasIcon(await desktop.picture()));
    await verb(["/usermode_showtray"]);
    await desktop.shows("icon that is back", hasIcon);
    await verb(["/usermode_hidetray"]);
    await desktop.shows("icon that was hidden", (picture) => !hasIcon(picture));
    await verb(["/usermode_showtray"]);
    await desktop.shows("icon that was shown", hasIcon);
  });

  test("the menu ends the server in order", async () => {
    await desktop.click(places.icon, "right");
    await desktop.shows("menu again", hasMenu);
    await desktop.click(places.exit);
    await desktop.shows("no icon", (picture) => !hasIcon(picture));
    await until("the end", async () => !(await runs()), 30_000);
    assert.ok(await logEnds());
  });

  test("/usermode_hidetray starts the server without the icon", async () => {
    await verb(["/usermode_hidetray"]);
    assert.ok(await runs());
    assert.ok(!hasIcon(await desktop.picture()));
    await verb(["/usermode_showtray"]);
    await desktop.shows("icon at last", hasIcon);
  });

  test("the server ends in order when its user logs off", async () => {
    const { code, stderr } = await host.run("wineboot", ["--end-session"], { env: { DISPLAY: ":7" } });
    assert.equal(code, 0, stderr);
    await until("the end", async () => !(await runs()), 30_000);
    assert.ok(await logEnds());
    const { stdout } = await host.run("tasklist", []);
    assert.doesNotMatch(stdout, /vpnserver\.exe/);
    assert.match(await host.readDriveC(`${stateOnDriveC}/vpn_server.config`), /declare alice/);
  });

  test("without an argument, a click shows a box with the verbs", async () => {
    await desktop.start([host.executable]);
    await desktop.shows(
      "help box",
      (picture) => hasBox(picture) && picture.covered(380, 450, 430, 475) > 1_000,
    );
    // It waits for its user, and ends with the desktop.
  });
});
