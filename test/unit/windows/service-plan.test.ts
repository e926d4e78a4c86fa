import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLineOf, parseCommandLine, planService } from "../../../server/windows/service-plan.ts";

const command = {
  executable: "C:\\Program Files\\VPN Server\\vpnserver.exe",
  stateDirectory: "C:\\ProgramData\\vpnserver",
};

test("the service is registered as the manual has it", () => {
  const { description, ...plan } = planService(command, "automatic");
  assert.deepEqual(plan, {
    name: "sevpnserver",
    displayName: "SoftEther VPN Server",
    command:
      '"C:\\Program Files\\VPN Server\\vpnserver.exe" --state-dir "C:\\ProgramData\\vpnserver" /service',
    start: "automatic",
    restartDelaysMs: [10_000, 10_000, 10_000],
    failuresForgottenSeconds: 86_400,
    preshutdownMs: 75_000,
  });
  assert.match(description, /C:\\ProgramData\\vpnserver/);
});

test("a command line of ours is known again, whatever its paths", () => {
  for (const stateDirectory of ["C:\\ProgramData\\vpnserver", "D:\\Zustände für VPN", "\\\\host\\share\\x"]) {
    const made = { ...command, stateDirectory };
    assert.deepEqual(parseCommandLine(commandLineOf(made)), made);
  }
});

test("a backslash at the end of the state directory does not swallow the quotation mark", () => {
  assert.match(commandLineOf({ ...command, stateDirectory: "D:\\state\\" }), /"D:\\state" \/service$/);
});

test("the original server's command line, and others, are not ours", () => {
  for (const line of [
    '"C:\\Program Files\\SoftEther VPN Server\\vpnserver_x64.exe" /service',
    "C:\\vpnserver.exe --state-dir C:\\x /service",
    '"C:\\vpnserver.exe" --state-dir "C:\\x" /service /more',
    "",
  ]) {
    assert.equal(parseCommandLine(line), undefined, line);
  }
});
