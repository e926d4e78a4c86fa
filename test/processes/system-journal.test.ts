import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import { stopServer } from "../../server/supervisor/control.ts";
import { removeShared, TryServer, until } from "./try-server.ts";

after(removeShared);

for (const [name, output] of [
  ["standard output", 1],
  ["standard error", 2],
] as const) {
  test(`the journal of systemd hears what the server says when ${name} of \`start\` leads there`, async () => {
    const server = await TryServer.create();
    try {
      // As systemd does it: the device and the inode of the stream.
      const script = `exec 3>&${output}; export JOURNAL_STREAM="$(stat -L -c %d:%i /proc/self/fd/3)"; exec 3>&-; exec "$@"`;
      const child = spawn("sh", ["-c", script, "sh", process.execPath, server.program.entry, "start"], {
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
