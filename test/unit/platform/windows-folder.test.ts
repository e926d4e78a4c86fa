import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { ServerError } from "../../../server/errors.ts";
import { checkWindowsFolder, makeClosedFolder } from "../../../server/platform/windows-folder.ts";
import type { WindowsHost } from "../../../server/platform/windows-host.ts";

const user = "S-1-5-21-1-2-3-1001";
const closed = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
const programData = "O:SYD:PAI(A;OICI;FA;;;SY)(A;CI;DCLCRPCR;;;BU)(A;OICI;0x1200a9;;;BU)";
const handedDown = "O:BAD:AI(A;OICIID;FA;;;SY)(A;CIID;DCLCRPCR;;;BU)";

/** Folders of this machine, with access lists that are told: closed ones where nothing is said. */
class FakeHost implements WindowsHost {
  readonly userSid = user;
  readonly isAdministrator: boolean;
  readonly lists = new Map<string, string>();

  constructor(isAdministrator = true) {
    this.isAdministrator = isAdministrator;
  }

  processStart(): undefined {}

  accessOf(path: string): string {
    return this.lists.get(path) ?? closed;
  }

  makeFolder(path: string, accessList: string): void {
    mkdirSync(path);
    // Windows gives what an administrator makes to all of them.
    this.lists.set(path, `O:${this.isAdministrator ? "BA" : user}${accessList}`);
  }

  setAccess(path: string, accessList: string): void {
    this.lists.set(path, `O:BA${accessList}`);
  }
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vpnserver-closed-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const problemOf = (path: string, host: WindowsHost): string | undefined => {
  try {
    checkWindowsFolder(path, "state directory", "--state-dir", host);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ServerError && error.code === "NOT_PERMITTED");
    return error.message;
  }
};

describe("the state directory of an administrator of Windows", () => {
  test("may be made below a folder that others add to, and is closed from its first moment on", (t) => {
    const [above, host] = [folderOf(t), new FakeHost()];
    host.lists.set(above, programData);
    const path = join(above, "a", "b");
    assert.equal(problemOf(path, host), undefined);
    makeClosedFolder(path, host);
    assert.ok(existsSync(path));
    for (const made of [path, join(above, "a")]) {
      assert.equal(host.lists.get(made), "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
    }
    assert.equal(problemOf(path, host), undefined);
    const service = Object.assign(new FakeHost(), { userSid: "S-1-5-18", lists: host.lists });
    assert.equal(problemOf(path, service), undefined, "the service that runs as the local system account");
  });

  test("is refused where others could put files into it, or replace it", (t) => {
    const [above, host] = [folderOf(t), new FakeHost()];
    const path = join(above, "state");
    mkdirSync(path);
    host.lists.set(path, handedDown);
    assert.match(problemOf(path, host) ?? "", /: it can be written by somebody else \(BU\).*\/inheritance:r/);
    host.lists.set(path, closed);
    host.lists.set(above, "O:BAD:(A;;FA;;;AU)");
    assert.match(problemOf(path, host) ?? "", /, on the way to it, can be written by somebody else \(AU\)/);
    host.lists.set(above, "O:S-1-5-21-1-2-3-1002D:P(A;;FA;;;SY)");
    assert.match(problemOf(path, host) ?? "", /belongs to somebody else \(S-1-5-21-1-2-3-1002\)/);
    assert.equal(problemOf(path, new FakeHost(false)), undefined, "another user is not asked");
  });

  test("that takes from the folder above is closed, and one that does not stays", (t) => {
    const [path, host] = [folderOf(t), new FakeHost()];
    host.lists.set(path, handedDown);
    makeClosedFolder(path, host);
    assert.match(host.lists.get(path) ?? "", /^O:BAD:P\(/);
    const own = `${closed}(A;OICI;FR;;;S-1-5-21-1-2-3-1003)`;
    host.lists.set(path, own);
    makeClosedFolder(path, host);
    assert.equal(host.lists.get(path), own);
  });

  test("is told of when it cannot be closed", (t) => {
    const host = new FakeHost();
    host.makeFolder = () => {
      throw new Error("access is denied");
    };
    assert.throws(
      () => makeClosedFolder(join(folderOf(t), "a"), host),
      (error) =>
        error instanceof ServerError && /cannot keep other users out of .*denied/.test(error.message),
    );
  });
});
