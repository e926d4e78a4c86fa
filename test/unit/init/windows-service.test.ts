import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { WindowsService } from "../../../server/init/windows-service.ts";
import { statePathsOf } from "../../../server/state-paths.ts";
import { commandLineOf } from "../../../server/windows/service-plan.ts";
import { hostWith, ServiceManagerModel } from "../windows/service-manager-model.ts";

// With slashes, which Windows takes too and which this system splits at.
const prefix = "C:/Program Files/vpnserver";
const programOf = (digit: string) => `${prefix}/releases/${digit.repeat(64)}/vpnserver.exe`;
const timeoutMs = 20_000;

describe("the service of an installation on Windows", () => {
  let manager: ServiceManagerModel;
  let stateDirectory: string;
  let service: WindowsService;
  const registrationOf = (digit: string) =>
    service.desiredRegistration({ opensFirewall: false, program: programOf(digit) });

  beforeEach(async () => {
    manager = new ServiceManagerModel();
    stateDirectory = await mkdtemp(join(tmpdir(), "vpnserver-service-"));
    service = new WindowsService(
      {
        paths: statePathsOf(stateDirectory),
        executable: `${prefix}/vpnserver.cmd`,
        run: () => assert.fail("ran a program"),
      },
      async () => hostWith(manager),
    );
  });
  afterEach(() => rm(stateDirectory, { recursive: true, force: true }));

  test("names the release, and is registered once", async () => {
    assert.equal(await service.registration(), undefined);
    const wanted = registrationOf("1");
    assert.equal(wanted, commandLineOf({ executable: programOf("1"), stateDirectory }));
    assert.equal(await service.register(wanted), true);
    assert.equal(await service.registration(), wanted);
    assert.equal(await service.register(wanted), false);
    assert.equal(manager.service?.registration?.start, "automatic");
  });

  test("gets another release without being taken away, and the former one back", async () => {
    await service.register(registrationOf("1"));
    const former = (await service.registration()) ?? "";
    assert.equal(await service.register(registrationOf("2")), true);
    assert.equal(await service.registration(), registrationOf("2"));
    assert.equal(await service.register(former), true);
    assert.equal(await service.registration(), former);
    assert.ok(!manager.calls.includes("uninstall"), manager.calls.join());
  });

  test("keeps the choice that it starts on demand, and starts with Windows again when it was disabled", async () => {
    await service.register(registrationOf("1"));
    assert.ok(manager.service);
    manager.service.start = "manual";
    assert.equal(await service.register(registrationOf("1")), false);
    assert.equal(manager.service.start, "manual");
    manager.service.start = "disabled";
    assert.equal(await service.register(registrationOf("1")), true);
    assert.equal(manager.service.start, "automatic");
  });

  test("starts in the place of what runs, stops and goes", async () => {
    await service.register(registrationOf("1"));
    await service.start({ timeoutMs, program: programOf("1") });
    await service.start({ timeoutMs, program: programOf("1") });
    assert.equal(manager.service?.state, "RUNNING");
    await service.stop();
    await service.stop();
    assert.equal(manager.service?.state, "STOPPED");
    await service.unregister();
    await service.unregister();
    assert.equal(manager.service, undefined);
    assert.deepEqual(
      manager.calls.filter((call) => call !== "update"),
      ["install", "start", "stop", "start", "stop", "uninstall"],
    );
  });

  test("that does not start is unhealthy, with the reason and where to look", async () => {
    await service.register(registrationOf("1"));
    manager.startsTo = { state: "STOPPED", specificExitCode: 6 };
    await assert.rejects(service.start({ timeoutMs, program: programOf("1") }), {
      code: "UNHEALTHY",
      message: /the service sevpnserver did not start: it ended while it started \(exit code 6/,
    });
    manager.startsTo = { state: "START_PENDING" };
    await assert.rejects(service.start({ timeoutMs, program: programOf("1") }), {
      code: "UNHEALTHY",
      message: /did not start within 20 s/,
    });
  });

  for (const [whose, line, message] of [
    [
      "another program",
      '"C:\\SoftEther\\vpnserver_x64.exe" /service',
      /belongs to another program .*uninstall that program/,
    ],
    [
      "/install of another copy",
      commandLineOf({ executable: "D:/vpnserver.exe", stateDirectory: "D:/state" }),
      /runs D:\/vpnserver\.exe.*"D:\/vpnserver\.exe" \/uninstall, which leaves its state in D:\/state/,
    ],
    [
      "another installation",
      commandLineOf({ executable: programOf("1").replace("C:", "D:"), stateDirectory: "D:/state" }),
      /runs D:\/Program Files.*take it away first/,
    ],
  ] as const) {
    test(`of ${whose} stays as it is, and runs on`, async () => {
      manager.service = {
        command: line,
        start: "automatic",
        state: "RUNNING",
        exitCode: 0,
        specificExitCode: 0,
      };
      await assert.rejects(service.registration(), { code: "FAILED", message });
      await assert.rejects(service.register(registrationOf("1")), { code: "FAILED", message });
      await service.stop();
      await service.unregister();
      assert.deepEqual([manager.calls, manager.service.state], [[], "RUNNING"]);
      assert.equal(await service.keeps(0), false);
    });
  }
});
