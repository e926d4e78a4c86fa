import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { onEachProgram, statusLines } from "./support/suite.ts";
import { startOddCommandServer, startOddSshServer, type OddServer } from "./support/odd-server.ts";
import { secret, type Properties } from "./support/values.ts";

const refusedVariable = (name: string) =>
  `Unable to set '${name}'. This only works if your SSH server is configured to accept\n` +
  "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could\n" +
  "\tprefix the command itself with the variables in the form 'VAR=value command'";

onEachProgram(
  "commands",
  (scene) => {
    describe("create", () => {
      test("runs the command and keeps what it prints, without the last line end", async () => {
        const { state, dials } = await scene.create("Command", {
          create: "printf 'a\\n\\n'; printf 'b\\r\\n' >&2",
        });
        assert.equal(state?.values.stdout, "a\n");
        assert.equal(state?.values.stderr, "b\r");
        assert.match(state?.id ?? "", /^case-\d+[0-9a-f]{8}$/);
        assert.equal(dials, 1);
      });

      test("gives the inputs back, secrets as secrets, with the connection a secret", async () => {
        const { state } = await scene.created("Command", {
          create: "cat",
          stdin: secret("pass"),
          triggers: [1, secret("t")],
          environment: { TAKEN_A: secret("x") },
        });
        const { connection, ...values } = state.values;
        assert.deepEqual(values, {
          create: "cat",
          stdin: { $secret: "pass" },
          triggers: [1, { $secret: "t" }],
          environment: { TAKEN_A: { $secret: "x" } },
          // What a command makes of a secret is the engine's to hide (additionalSecretOutputs).
          stdout: "pass",
          stderr: "",
        });
        assert.deepEqual(Object.keys(connection as Properties), ["$secret"]);
      });

      test("without a command dials nobody", async () => {
        const { state, dials } = await scene.create("Command", { delete: "true" });
        assert.equal(state?.values.stdout, "");
        assert.equal(state?.values.stderr, "");
        assert.equal(dials, 0);
      });

      test("runs an empty command", async () => {
        const { state, dials } = await scene.create("Command", { create: "" });
        assert.equal(state?.values.stdout, "");
        assert.equal(dials, 1);
      });

      test("carries text of any language, and zero bytes", async () => {
        const { stdout } = await scene.output("printf 'é \\342\\202\\254 \\0 \\360\\237\\230\\200'");
        assert.equal(stdout, "é € \0 😀");
      });

      test("fails on output that is no text, after the command was run", async () => {
        const { error } = await scene.create("Command", { create: "printf 'a\\377b\\n'" });
        assert.equal(error, "grpc: error while marshaling: string field contains invalid UTF-8");
      });

      test("keeps a large output", async () => {
        const { stdout } = await scene.output("head -c 5000000 /dev/zero | tr '\\0' x", { logging: "none" });
        assert.equal(stdout, "x".repeat(5_000_000));
      });
    });

    describe("a failing command", () => {
      const failures: [string, string, string][] = [
        [
          "shows its status, the command and all that it printed",
          'echo "a\tb"; sleep 0.2; echo bad >&2; exit 3',
          'Process exited with status 3: running "echo \\"a\\tb\\"; sleep 0.2; echo bad >&2; exit 3":\na\tb\nbad\n',
        ],
        ["that printed nothing", "exit 255", 'Process exited with status 255: running "exit 255":\n'],
        [
          "that was killed",
          "echo x; kill -KILL $$",
          'Process exited with status 137 from signal KILL: running "echo x; kill -KILL $$":\nx\n',
        ],
        [
          "that was ended",
          "kill -TERM $$",
          'Process exited with status 143 from signal TERM: running "kill -TERM $$":\n',
        ],
        [
          "with a signal of its own",
          "kill -USR1 $$",
          'Process exited with status 128 from signal USR1: running "kill -USR1 $$":\n',
        ],
        [
          "with characters that do not print",
          "false # é\u00a0😀\u200b\u0001\u007f\\",
          'Process exited with status 1: running "false # é\\u00a0😀\\u200b\\x01\\x7f\\\\":\n',
        ],
        [
          "with output that is no text",
          "printf 'a\\377b\\n'; exit 1",
          "Process exited with status 1: running \"printf 'a\\\\377b\\\\n'; exit 1\":\na\uFFFDb\n",
        ],
      ];
      for (const [what, command, message] of failures) {
        test(what, async () => {
          const { error, dials } = await scene.create("Command", { create: command });
          assert.equal(error, message);
          assert.equal(dials, 1);
        });
      }

      test("that printed much shows all of it", async () => {
        const { error } = await scene.create("Command", {
          create: "yes line | head -n 4000; exit 1",
          logging: "none",
        });
        assert.equal(
          error,
          'Process exited with status 1: running "yes line | head -n 4000; exit 1":\n' +
            "line\n".repeat(4_000),
        );
      });
    });

    describe("standard input", () => {
      test("is passed on as it is", async () => {
        const { stdout } = await scene.output("cat", { stdin: "a\nb\0é" });
        assert.equal(stdout, "a\nb\0é");
      });

      test("may be large", async () => {
        const { stdout } = await scene.output("sha256sum", { stdin: "0123456789".repeat(300_000) });
        assert.equal(stdout, "6ca41633343f162f0f0604879eeac607e5e5087adeee2e4247199301968790d0  -");
      });

      test("is empty where none is given", async () => {
        assert.equal((await scene.output("wc -c")).stdout, "0");
        assert.equal((await scene.output("wc -c", { stdin: "" })).stdout, "0");
      });

      test("that a command does not wait for fails it, when there is much of it", async () => {
        const { error } = await scene.create("Command", { create: "true", stdin: "x".repeat(4_000_000) });
        assert.equal(error, 'EOF: running "true":\n');
      });

      test("that a command does not read is no failure, when there is little of it", async () => {
        const { stdout } = await scene.output("exec 0<&-; echo done", { stdin: "x".repeat(1_000) });
        assert.equal(stdout, "done");
      });
    });

    describe("environment", () => {
      test("reaches the command where the server takes it", async () => {
        const { stdout } = await scene.output('echo "$TAKEN_A-$TAKEN_B"', {
          environment: { TAKEN_A: "1 é", TAKEN_B: "2" },
        });
        assert.equal(stdout, "1 é-2");
      });

      test("fails where the server does not take it, and says why in the log", async () => {
        const { error, log } = await scene.create("Command", {
          create: "touch /never",
          environment: { OTHER: "1" },
        });
        assert.equal(error, 'could not set environment variable "OTHER": ssh: setenv failed');
        assert.deepEqual(
          log.map(({ severity, message, ephemeral }) => [severity, message, ephemeral]),
          [["error", refusedVariable("OTHER"), false]],
        );
      });
    });

    describe("update", () => {
      const update = async (olds: Properties, news: Properties) => {
        const { urn, state } = await scene.created("Command", olds);
        const inputs = await scene.checked(urn, news);
        const dials = await scene.host.connections();
        const after = await scene.plugin.update(urn, state, inputs);
        return { urn, values: after.values, dials: (await scene.host.connections()) - dials };
      };

      test("runs the command for updates", async () => {
        const { values, dials } = await update({ create: "echo 1" }, { create: "echo 1", update: "echo 2" });
        assert.equal(values.stdout, "2");
        assert.equal(dials, 1);
      });

      test("runs the command for creates where there is none for updates", async () => {
        const { values } = await update({ create: "echo 1" }, { create: "echo 3" });
        assert.equal(values.stdout, "3");
      });

      test("without either keeps the output and dials nobody", async () => {
        const { values, dials } = await update({ create: "echo 1; echo 2 >&2" }, { delete: "true" });
        assert.equal(values.stdout, "1");
        assert.equal(values.stderr, "2");
        assert.equal(dials, 0);
      });

      test("tells the command of the output so far where the server takes that", async () => {
        const { values } = await update(
          { create: "echo out; echo err >&2" },
          { update: 'echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"' },
        );
        assert.equal(values.stdout, "out/err");
      });

      test("tells nothing where that is switched off", async () => {
        const { values } = await update(
          { create: "echo out" },
          { update: 'echo "[$PULUMI_COMMAND_STDOUT]"', addPreviousOutputInEnv: false },
        );
        assert.equal(values.stdout, "[]");
      });

      test("that fails shows the command's output", async () => {
        await assert.rejects(update({ create: "true" }, { create: "echo no; exit 2" }), {
          message: 'Process exited with status 2: running "echo no; exit 2":\nno\n',
        });
      });
    });

    describe("delete", () => {
      test("runs the command for it, with the input and the output of the last run", async () => {
        const file = `${scene.directory}/deleted`;
        const { urn, state } = await scene.created("Command", {
          create: "echo made",
          delete: `(cat; echo "-$PULUMI_COMMAND_STDOUT") > ${file}`,
          stdin: "in",
        });
        await scene.plugin.delete(urn, state);
        assert.equal((await scene.output(`cat ${file}`)).stdout, "in-made");
      });

      test("that fails shows the command's output", async () => {
        const { urn, state } = await scene.created("Command", {
          create: "true",
          delete: "echo stays; exit 4",
        });
        await assert.rejects(scene.plugin.delete(urn, state), {
          message: 'Process exited with status 4: running "echo stays; exit 4":\nstays\n',
        });
      });

      test("without a command dials nobody", async () => {
        const { urn, state } = await scene.created("Command", { create: "true" });
        const dials = await scene.host.connections();
        await scene.plugin.delete(urn, state);
        assert.equal(await scene.host.connections(), dials);
      });
    });

    test("read gives back what is known and dials nobody", async () => {
      const { urn, state } = await scene.created("Command", { create: "echo 1", stdin: secret("s") });
      const dials = await scene.host.connections();
      const answer = await scene.plugin.read(urn, state);
      assert.equal(answer.id, state.id);
      assert.deepEqual(answer.outputs, state.values);
      assert.deepEqual(answer.inputs.stdin, { $secret: "s" });
      assert.equal(await scene.host.connections(), dials);
    });

    describe("log", () => {
      const both = "echo out; sleep 0.2; echo err >&2; sleep 0.2; echo more";
      const modes: [string | undefined, string[]][] = [
        [undefined, ["out", "err", "more"]],
        ["stdoutAndStderr", ["out", "err", "more"]],
        ["stdout", ["out", "more"]],
        ["stderr", ["err"]],
        ["none", []],
        ["odd", []],
      ];
      for (const [logging, lines] of modes) {
        test(`${logging ?? "by default"} shows ${lines.join(" and ") || "nothing"}`, async () => {
          const { state, log } = await scene.create("Command", {
            create: both,
            ...(logging !== undefined && { logging }),
          });
          assert.deepEqual(statusLines(log), lines);
          assert.equal(log.length, lines.length, "nothing else is logged");
          assert.equal(state?.values.stdout, "out\nmore");
          assert.equal(state?.values.stderr, "err");
        });
      }

      test("shows one message a line, without line ends, and the last line without one too", async () => {
        const { log } = await scene.create("Command", {
          create: "printf 'a\\n\\nb\\r\\nc\\377\\376d'; exit 1",
        });
        assert.deepEqual(statusLines(log), ["a", "", "b", "c\uFFFDd"]);
      });

      test("shows many lines in their order, before the command's end is reported", async () => {
        const { log } = await scene.create("Command", { create: "seq 1 1500" });
        assert.deepEqual(
          statusLines(log),
          Array.from({ length: 1500 }, (_, index) => String(index + 1)),
        );
      });

      test("shows lines while the command runs", async () => {
        const urn = scene.urn("Command");
        const inputs = await scene.checked(urn, {
          create: "echo first; cat > /dev/null; sleep 0.5; echo last",
        });
        const running = scene.plugin.create(urn, inputs);
        await scene.until(() => statusLines(scene.plugin.logOf(urn)).includes("first"));
        assert.deepEqual(statusLines(scene.plugin.logOf(urn)), ["first"]);
        await running;
      });
    });

    describe("a server that", () => {
      const run = async (server: OddServer, inputs: Properties = {}) => {
        await using odd = server;
        const { error, state, log } = await scene.create("Command", {
          connection: scene.connection({ port: odd.port }),
          create: "echo x",
          ...inputs,
        });
        return { error, stdout: state?.values.stdout, log: statusLines(log) };
      };

      test("runs no command", async () => {
        const { error } = await run(await startOddCommandServer((_accept, reject) => reject()));
        assert.equal(error, 'ssh: command echo x failed: running "echo x":\n');
      });

      test("opens no session", async () => {
        const server = await startOddSshServer((client) => {
          client.on("authentication", (attempt) => attempt.accept());
          client.on("session", (_accept, reject) => reject());
        });
        assert.equal((await run(server)).error, "ssh: rejected: connect failed ()");
      });

      test("says neither status nor signal", async () => {
        const server = await startOddCommandServer((accept) => {
          const channel = accept();
          channel.end("part");
          channel.close();
        });
        assert.deepEqual(await run(server), {
          error: 'wait: remote command exited without exit status or exit signal: running "echo x":\npart',
          stdout: undefined,
          log: ["part"],
        });
      });

      test("drops the connection while the command runs", async () => {
        const server = await startOddCommandServer((accept, _reject, drop) => {
          accept().write("part", () => setImmediate(drop));
        });
        const { error } = await run(server);
        assert.equal(
          error,
          'wait: remote command exited without exit status or exit signal: running "echo x":\npart',
        );
      });

      test("drops the connection instead of running the command", async () => {
        const { error } = await run(await startOddCommandServer((_accept, _reject, drop) => drop()));
        assert.equal(error, 'EOF: running "echo x":\n');
      });

      test("drops the connection instead of opening a session", async () => {
        const server = await startOddSshServer((client, drop) => {
          client.on("authentication", (attempt) => attempt.accept());
          client.on("session", () => drop());
        });
        assert.equal((await run(server)).error, "ssh: unexpected packet in response to channel open: <nil>");
      });

      test("names a signal and a reason", async () => {
        const server = await startOddCommandServer((accept) => {
          const channel = accept();
          channel.exit("SEGV", true, "it broke");
          channel.close();
        });
        assert.equal(
          (await run(server)).error,
          'Process exited with status 139 from signal SEGV. Reason was: it broke: running "echo x":\n',
        );
      });

      test("sends output after the status", async () => {
        const server = await startOddCommandServer((accept) => {
          const channel = accept();
          channel.exit(0);
          channel.write("late");
          channel.end();
          channel.close();
        });
        assert.equal((await run(server)).stdout, "late");
      });

      test("knows statuses above 255", async () => {
        const server = await startOddCommandServer((accept) => {
          const channel = accept();
          channel.exit(300);
          channel.close();
        });
        assert.equal((await run(server)).error, 'Process exited with status 300: running "echo x":\n');
      });
    });
  },
  { sshdConfiguration: ["AcceptEnv TAKEN_* PULUMI_COMMAND_*"] },
);

onEachProgram("commands on a host that takes no variables", (scene) => {
  test("an update goes on, and warns that the command is not told of the output so far", async () => {
    const { urn, state } = await scene.created("Command", {
      create: "echo out; echo err >&2",
      logging: "none",
    });
    const inputs = await scene.checked(urn, { update: 'echo "[$PULUMI_COMMAND_STDOUT]"', logging: "none" });
    const { values } = await scene.plugin.update(urn, state, inputs);
    assert.equal(values.stdout, "[]");
    assert.deepEqual(
      scene.plugin.logOf(urn).map(({ severity, message, ephemeral }) => [severity, message, ephemeral]),
      [
        ["warning", refusedVariable("PULUMI_COMMAND_STDOUT"), false],
        ["warning", refusedVariable("PULUMI_COMMAND_STDERR"), false],
      ],
    );
  });
});

onEachProgram(
  "commands on a host that opens no sessions",
  (scene) => {
    test("fail with the server's reason", async () => {
      const { error } = await scene.create("Command", { create: "true" });
      assert.equal(error, "ssh: rejected: connect failed (open failed)");
    });
  },
  { sshdConfiguration: ["MaxSessions 0"] },
);
