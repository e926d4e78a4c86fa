import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, describe, test } from "node:test";
import { journalDescriptor, journalLine } from "../../../server/platform/system-journal.ts";
import { stopServer } from "../../../server/supervisor/control.ts";
import { entry, removeSharedCertificate, TryServer, until } from "../supervisor/try-server.ts";

after(removeSharedCertificate);

describe("the journal of systemd", () => {
  test("gets a line with its priority, and without the time that it knows", () => {
    assert.equal(journalLine("2026-01-31T12:00:00.000Z info event=x\n"), "<6>event=x\n");
    assert.equal(journalLine("2026-01-31T12:00:00.000Z warn a error b\n"), "<4>a error b\n");
    assert.equal(journalLine("2026-01-31T12:00:00.000Z error c\n"), "<3>c\n");
    assert.equal(journalLine("    at stack (file.ts)\n"), "<4>    at stack (file.ts)\n");
  });

  test("is none where the variable is missing, or tells of another stream", () => {
    assert.equal(journalDescriptor({}), undefined);
    assert.equal(journalDescriptor({ JOURNAL_STREAM: "1:2" }), undefined);
  });

  for (const [name, output] of [
    ["standard output", 1],
    ["standard error", 2],
  ] as const) {
    test(`hears what the server says when ${name} of \`start\` leads there`, async () => {
      const server = await TryServer.create();
      try {
        // As systemd does it: the device and the inode of the stream.
        const script = `exec 3>&${output}; export JOURNAL_STREAM="$(stat -L -c %d:%i /proc/self/fd/3)"; exec 3>&-; exec "$@"`;
        const child = spawn("sh", ["-c", script, "sh", process.execPath, entry, "start"], {
          env: { ...process.env, VPNSERVER_STATE_DIR: server.paths.stateDirectory },
          stdio: ["ignore", "pipe", "pipe"],
        });
        let heard = "";
        const stream = output === 1 ? child.stdout : child.stderr;
        stream.setEncoding("utf8").on("data", (chunk: string) => (heard += chunk));
        await until("the begin", () => /^<6>event=server-starting version=\S+$/m.test(heard));
        await until("a listener", () => heard.includes(`<6>listener ${server.ports[0]}: Listening\n`));
        await until("the start", async () => (await server.status()).listeners.length === 2);
        await stopServer(server.paths);
        await until("the end", () => /^<6>supervisor ended$/m.test(heard));
        assert.match(await server.log(), /info event=server-starting /);
      } finally {
        await server.dispose();
      }
    });
  }
});
