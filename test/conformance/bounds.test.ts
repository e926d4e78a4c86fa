import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { runRemotely } from "../../tools/command-plugin/command-run.ts";
import { handshake } from "../../tools/command-plugin/ssh-handshake.ts";
import { Plugin } from "./support/plugin.ts";
import { onEachProgram, statusLines } from "./support/suite.ts";
import { startOddSshServer, startTcpServer } from "./support/odd-server.ts";
import { textAsset } from "./support/values.ts";

/**
 * Where the stand-in does more than the official program, which waits without end, or ends nothing, in these cases. No
 * component relies on the difference.
 */
onEachProgram(
  "bounds of the stand-in alone",
  (scene) => {
    /** A command that tells its process number, and ends only when nobody listens to it any more. */
    const endless = 'echo "$$"; while sleep 0.1; do echo; done';

    const processOf = async (urn: string, plugin: Plugin): Promise<number> => {
      await scene.until(() => statusLines(plugin.logOf(urn)).length > 0);
      return Number(statusLines(plugin.logOf(urn))[0]);
    };
    const isRunning = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };

    test("a command ends when the engine cancels, and no other one starts", async () => {
      const plugin = await Plugin.start(scene.program);
      try {
        const urn = scene.urn("Command");
        const inputs = await scene.checked(urn, { create: endless });
        const running = plugin.create(urn, inputs).then(
          () => assert.fail("the command ended well"),
          (error: Error) => error.message,
        );
        const pid = await processOf(urn, plugin);
        await plugin.cancel();
        assert.equal(
          (await running).trimEnd(),
          `context canceled: running ${JSON.stringify(endless)}:\n${pid}`,
        );
        await scene.until(() => !isRunning(pid));
        await assert.rejects(plugin.create(urn, inputs), { message: "context canceled" });
      } finally {
        await plugin.stop();
      }
    });

    test("a command ends when the resource's time is up", async () => {
      const { error, log, elapsedMs } = await scene.create(
        "Command",
        { create: endless },
        { timeoutSeconds: 1 },
      );
      const pid = Number(statusLines(log)[0]);
      assert.equal(
        error?.trimEnd(),
        `context deadline exceeded: running ${JSON.stringify(endless)}:\n${pid}`,
      );
      assert.ok(elapsedMs < 5_000, `it took ${elapsedMs} ms`);
      await scene.until(() => !isRunning(pid));
    });

    test("a command that ignores that it has to end loses its connection", async () => {
      const { error, elapsedMs } = await scene.create(
        "Command",
        {
          create: 'trap "" TERM; echo on; while :; do sleep 0.1; [ -e /proc/$PPID ] || exit; done',
          logging: "none",
        },
        { timeoutSeconds: 1 },
      );
      assert.match(error ?? "", /^context deadline exceeded: running /);
      assert.ok(elapsedMs < 8_000, `it took ${elapsedMs} ms`);
    });

    test("a copy ends when the resource's time is up", async () => {
      await using server = await startOddSshServer((client) => {
        client.on("authentication", (attempt) => attempt.accept());
        client.on("session", (accept) => {
          // Takes the request for SFTP and never says another word.
          accept().on("subsystem", (acceptSubsystem) => acceptSubsystem());
        });
      });
      const { error } = await scene.create(
        "CopyToRemote",
        {
          connection: scene.connection({ port: server.port }),
          source: textAsset("x", "h"),
          remotePath: "/x",
        },
        { timeoutSeconds: 1 },
      );
      assert.equal(error, "context deadline exceeded");
    });

    test("every connection is closed when the operation is over", async () => {
      const plugin = await Plugin.start(scene.program);
      try {
        for (const inputs of [{ create: "true" }, { create: "exit 1" }]) {
          const urn = scene.urn("Command");
          await plugin.create(urn, await scene.checked(urn, inputs)).catch(() => {});
        }
        const urn = scene.urn("CopyToRemote");
        await plugin
          .create(urn, await scene.checked(urn, { source: textAsset("x", "h"), remotePath: "/proc/none/x" }))
          .catch(() => {});
        await scene.until(async () => {
          const log = await scene.host.log();
          const count = (pattern: RegExp) => log.match(pattern)?.length ?? 0;
          return count(/^Accepted publickey/gm) === count(/^Disconnected from user/gm);
        });
      } finally {
        await plugin.stop();
      }
    });

    test("a line without end is logged in pieces", async () => {
      const { state, log } = await scene.create("Command", {
        create: "head -c 200000 /dev/zero | tr '\\0' x",
      });
      assert.equal(state?.values.stdout, "x".repeat(200_000));
      assert.deepEqual(
        statusLines(log).map((line) => line.length),
        [65_536, 65_536, 65_536, 3_392],
      );
    });

    test("output beyond 64 MiB ends the command, and the message holds the end of it", async () => {
      const { host, port, user, privateKey } = scene.host;
      const run = runRemotely(
        {
          connection: { host, port, user, privateKey, dialErrorLimit: 0, perDialTimeout: 5 },
          command: "yes | tr '\\n' x",
          environment: new Map(),
          optionalEnvironment: new Map(),
          logging: "none",
        },
        { signal: new AbortController().signal, log: { message: async () => {}, status: async () => {} } },
      );
      await assert.rejects(run, (error: Error) => {
        const [heading = "", left = "", output = ""] = error.message.split("\n");
        assert.equal(heading, "the command printed more than 64 MiB: running \"yes | tr '\\\\n' x\":");
        assert.match(left, /^\[\d+ bytes left out\]$/);
        assert.equal(output.length, 2 * 1024 * 1024);
        return true;
      });
    });
  },
  { only: "stand-in", concurrent: true },
);

test("a server that takes the connection and says nothing is given up", async () => {
  await using server = await startTcpServer(() => {});
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  const { localPort } = socket;
  await assert.rejects(handshake(socket, { user: "root" }, new AbortController().signal, 200), {
    message: `ssh: handshake failed: read tcp 127.0.0.1:${localPort}->127.0.0.1:${server.port}: i/o timeout`,
  });
  assert.equal(socket.destroyed, true);
});
