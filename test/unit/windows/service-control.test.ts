import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { ErrorCode } from "../../../server/errors.ts";
import { WindowsError, windowsErrors } from "../../../server/native/windows/windows-error.ts";
import {
  installService,
  startService,
  stopService,
  uninstallService,
} from "../../../server/windows/service-control.ts";
import { commandLineOf } from "../../../server/windows/service-plan.ts";
import { hostWith, ServiceManagerModel } from "./service-manager-model.ts";

const command = { executable: "C:\\vpn\\vpnserver.exe", stateDirectory: "C:\\ProgramData\\vpnserver" };
const foreignLine = '"C:\\Program Files\\SoftEther VPN Server\\vpnserver_x64.exe" /service';
const aloud = { silent: false };
const silently = { silent: true };
const failure = (code: ErrorCode, message: RegExp) => ({ name: "ServerError", code, message });

let manager: ServiceManagerModel;
beforeEach(() => {
  manager = new ServiceManagerModel();
});

function installed(line = commandLineOf(command), start: "automatic" | "manual" = "automatic"): void {
  manager.service = { command: line, start, state: "STOPPED", exitCode: 0, specificExitCode: 0 };
}

describe("/install", () => {
  test("registers the service, opens the firewall and starts it", async () => {
    const host = hostWith(manager);
    const text = await installService(host, command, aloud);
    assert.match(
      text,
      /installed as the service sevpnserver, and runs\. It starts with Windows\.\nThe firewall is open\./,
    );
    assert.deepEqual(manager.calls, ["install", "start"]);
    assert.deepEqual(host.done, ["prepare", "open firewall"]);
    assert.equal(manager.service?.registration?.start, "automatic");
    assert.equal(manager.service?.state, "RUNNING");
  });

  test("asks before it replaces a service that is there, and leaves it without a Yes", async () => {
    for (const [answer, message] of [
      [false, /was left as it is; to replace it: vpnserver \/install \/silent/],
      [undefined, /nobody to ask; to replace it/],
    ] as const) {
      installed();
      let question = "";
      const host = hostWith(manager, { ask: async (text) => ((question = text), answer) });
      await assert.rejects(installService(host, command, aloud), failure("FAILED", message));
      assert.match(question, /installed already/);
      assert.deepEqual([manager.calls, host.done], [[], []]);
    }
    installed();
    await installService(hostWith(manager, { ask: async () => true }), command, aloud);
    assert.deepEqual(manager.calls, ["update", "start"]);
  });

  test("replaces one of ours that runs without a question when it is silent", async () => {
    installed();
    manager.start();
    manager.status();
    manager.calls.length = 0;
    const next = { ...command, executable: "D:\\vpn\\vpnserver.exe" };
    await installService(hostWith(manager, { ask: () => assert.fail("asked") }), next, silently);
    assert.deepEqual(manager.calls, ["stop", "update", "start"]);
    assert.equal(manager.service?.command, commandLineOf(next));
  });

  test("never replaces another program's service without a Yes", async () => {
    installed(foreignLine);
    const host = hostWith(manager, { ask: () => assert.fail("asked") });
    await assert.rejects(
      installService(host, command, silently),
      failure("FAILED", /belongs to another program .*SoftEther VPN Server.*left as it is/),
    );
    assert.deepEqual([manager.calls, host.done], [[], []]);
    let question = "";
    const asking = hostWith(manager, { ask: async (text) => ((question = text), true) });
    manager.looksUntilGone = 3;
    await installService(asking, command, aloud);
    assert.match(question, /belongs to another program:\n.*vpnserver_x64\.exe/);
    assert.deepEqual(manager.calls, ["uninstall", "install", "start"]);
  });

  test("keeps the choice that it starts on demand, of a service of ours only", async () => {
    installed(undefined, "manual");
    assert.match(await installService(hostWith(manager), command, silently), /starts on demand, as before/);
    assert.equal(manager.service?.registration?.start, "manual");
    manager.service.state = "STOPPED";
    installed(foreignLine, "manual");
    await installService(hostWith(manager, { ask: async () => true }), command, aloud);
    assert.equal(manager.service?.registration?.start, "automatic");
  });

  test("tells why a service does not run, and where to look", async () => {
    manager.startsTo = { state: "STOPPED", specificExitCode: 6 };
    await assert.rejects(
      installService(hostWith(manager), command, aloud),
      failure(
        "FAILED",
        /was installed, and does not run: .*exit code 6: the server runs, but a listener .*C:\\ProgramData\\vpnserver\\log\\server\.log/,
      ),
    );
  });

  test("waits for a service to start and to be deleted, and not for ever", async () => {
    manager.startsTo = { state: "START_PENDING" };
    await assert.rejects(
      installService(hostWith(manager), command, aloud),
      failure("FAILED", /did not start within 250 s: it is START_PENDING/),
    );
    manager = new ServiceManagerModel();
    installed();
    manager.looksUntilGone = Infinity;
    await assert.rejects(
      uninstallService(hostWith(manager)),
      failure("FAILED", /close services\.msc and the Task Manager/),
    );
  });
});

describe("/uninstall", () => {
  test("stops the service, takes it away and closes the firewall", async () => {
    installed();
    manager.start();
    manager.status();
    manager.calls.length = 0;
    const host = hostWith(manager);
    assert.match(await uninstallService(host), /stay in C:\\ProgramData\\vpnserver/);
    assert.deepEqual([manager.calls, host.done], [["stop", "uninstall"], ["close firewall"]]);
    assert.equal(manager.service, undefined);
  });

  test("takes nothing away that is not there, or not ours", async () => {
    const host = hostWith(manager);
    await assert.rejects(uninstallService(host), failure("NOT_INSTALLED", /not installed; to install it/));
    installed(foreignLine);
    await assert.rejects(uninstallService(host), failure("FAILED", /belongs to another program/));
    assert.deepEqual([manager.calls, host.done], [[], []]);
  });

  test("does not delete a service that does not stop", async () => {
    installed();
    manager.start();
    manager.status();
    manager.stops = false;
    await assert.rejects(uninstallService(hostWith(manager)), failure("FAILED", /did not stop within 80 s/));
    assert.ok(!manager.calls.includes("uninstall"));
  });
});

describe("/start and /stop", () => {
  test("start and stop the service, each once", async () => {
    installed();
    const host = hostWith(manager);
    assert.match(await startService(host), /was started/);
    await assert.rejects(
      startService(host),
      failure("ALREADY_RUNNING", /runs already; to stop it: vpnserver \/stop/),
    );
    assert.match(await stopService(host), /was stopped/);
    await assert.rejects(
      stopService(host),
      failure("NOT_RUNNING", /does not run; to start it: vpnserver \/start/),
    );
    assert.deepEqual(manager.calls, ["start", "stop"]);
  });

  test("say that the service is not installed", async () => {
    for (const control of [startService, stopService]) {
      await assert.rejects(control(hostWith(manager)), failure("NOT_INSTALLED", /vpnserver \/install/));
    }
  });
});

test("who is no administrator is told so before anything is done", async () => {
  installed();
  const host = hostWith(manager, { isAdministrator: false });
  const tries = [
    () => installService(host, command, silently),
    () => uninstallService(host),
    () => startService(host),
    () => stopService(host),
  ];
  for (const attempt of tries) {
    await assert.rejects(attempt(), failure("NOT_PERMITTED", /Run as administrator.*\/usermode/));
  }
  assert.deepEqual([manager.calls, host.done], [[], []]);
});

test("rights that Windows refuses are told as those that are missing", async () => {
  installed();
  manager.start = () => {
    throw new WindowsError("cannot start the service", windowsErrors.accessDenied);
  };
  await assert.rejects(
    startService(hostWith(manager)),
    failure("NOT_PERMITTED", /rights of an administrator/),
  );
  manager.start = () => {
    throw new WindowsError("cannot start the service", windowsErrors.serviceDisabled);
  };
  await assert.rejects(
    startService(hostWith(manager)),
    failure("FAILED", /cannot start the service: .*1058 of Windows/),
  );
});
