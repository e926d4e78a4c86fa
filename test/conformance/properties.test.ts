import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { onEachProgram } from "./support/suite.ts";
import type { ResourceState } from "./support/plugin.ts";
import {
  assetArchive,
  canonical,
  fileArchive,
  fileAsset,
  remoteAsset,
  secret,
  textAsset,
  unknown,
  type Json,
  type Properties,
} from "./support/values.ts";

/** What comes out of a check of a connection that names no more than a host. */
const checkedConnection: Json = {
  $secret: { host: "h", user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 },
};
const connection = { host: "h" };
const source = textAsset("text", "hash-1");

onEachProgram("properties", (scene) => {
  const check = (inputs: Properties, type: "Command" | "CopyToRemote" = "Command") =>
    scene.plugin.check(scene.urn(type), inputs);

  test("says what it understands", async () => {
    assert.deepEqual(scene.plugin.capabilities, {
      secrets: true,
      preview: true,
      resources: true,
      outputs: true,
    });
    assert.equal(await scene.plugin.version(), "1.2.1");
  });

  describe("check", () => {
    const accepted: [string, Properties, Properties][] = [
      ["fills in the defaults of a connection", {}, { connection: checkedConnection }],
      [
        "fills in the defaults of a proxy",
        { connection: { host: "h", proxy: { host: "p" } } },
        {
          connection: {
            $secret: {
              ...connectionDefaults("h"),
              proxy: connectionDefaults("p"),
            },
          },
        },
      ],
      [
        "keeps what is given, falsy values too",
        { connection: { host: "h", port: 2222, dialErrorLimit: 0, perDialTimeout: 0, user: "" } },
        {
          connection: { $secret: { host: "h", port: 2222, dialErrorLimit: 0, perDialTimeout: 0, user: "" } },
        },
      ],
      [
        "makes keys and passwords secret",
        { connection: { host: "h", password: "a", privateKey: "b", privateKeyPassword: "c", hostKey: "d" } },
        {
          connection: {
            $secret: {
              ...connectionDefaults("h"),
              password: { $secret: "a" },
              privateKey: { $secret: "b" },
              privateKeyPassword: { $secret: "c" },
              hostKey: "d",
            },
          },
        },
      ],
      [
        "keeps secrets and what is unknown",
        {
          stdin: secret("s"),
          create: unknown,
          environment: { A: secret("a"), B: unknown },
          triggers: [1, null, "a", { b: [secret(true)] }, unknown],
        },
        {
          connection: checkedConnection,
          stdin: { $secret: "s" },
          create: { $unknown: true },
          environment: { A: { $secret: "a" }, B: { $unknown: true } },
          triggers: [1, null, "a", { b: [{ $secret: true }] }, { $unknown: true }],
        },
      ],
      [
        "takes a connection that is not known yet",
        { connection: unknown },
        { connection: { $secret: { $unknown: true } } },
      ],
      [
        "takes a host that is not known yet",
        { connection: { host: unknown } },
        { connection: { $secret: { ...connectionDefaults("h"), host: { $unknown: true } } } },
      ],
      [
        "takes a value that is secret and not known yet for a known, empty one",
        { stdin: secret(unknown), environment: secret(unknown), triggers: secret(unknown) },
        {
          connection: checkedConnection,
          stdin: { $secret: "" },
          environment: { $secret: {} },
          triggers: { $secret: [] },
        },
      ],
      [
        "keeps empty lists and objects, and leaves nulls out",
        { environment: {}, triggers: [], stdin: null },
        { connection: checkedConnection, environment: {}, triggers: [] },
      ],
      [
        "cuts whole numbers",
        { connection: { host: "h", dialErrorLimit: 2.9, perDialTimeout: 1.5, port: 22.5 } },
        {
          connection: {
            $secret: { ...connectionDefaults("h"), dialErrorLimit: 2, perDialTimeout: 1, port: 22.5 },
          },
        },
      ],
      ["takes any word for logging", { logging: "odd" }, { connection: checkedConnection, logging: "odd" }],
    ];
    for (const [what, inputs, expected] of accepted) {
      test(what, async () => {
        const answer = await check({ connection, ...inputs });
        assert.deepEqual(answer.failures, []);
        assert.deepEqual(canonical(answer.inputs), expected);
      });
    }

    const refused: [string, Properties, [property: string, reason: string][]][] = [
      [
        "a missing connection",
        { connection: null },
        [["connection", "Missing required field 'connection' on 'remote.CommandInputs'"]],
      ],
      [
        "a connection without a host",
        { connection: {} },
        [
          [
            "connection",
            "An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n" +
              "\thost: Missing required field 'host' on 'remote.Connection'",
          ],
        ],
      ],
      [
        "all that is wrong with a connection",
        { connection: { port: "22", foo: 1 } },
        [
          [
            "connection",
            "An error occurred decoding 'CommandInputs.connection': 3 failures decoding:\n" +
              "\thost: Missing required field 'host' on 'remote.Connection'\n" +
              "\tport: Field 'port' on 'remote.Connection' must be a 'float64'; got 'string' instead\n" +
              "\tfoo: Unrecognized field 'foo' on 'remote.Connection'",
          ],
        ],
      ],
      [
        "a wrong value in a proxy",
        { connection: { host: "h", proxy: { host: "p", dialErrorLimit: true } } },
        [
          [
            "connection",
            "An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n" +
              "\tproxy: An error occurred decoding 'Connection.proxy': 1 failures decoding:\n" +
              "\tdialErrorLimit: Field 'dialErrorLimit' on 'remote.ProxyConnection' must be a 'int'; got 'bool' instead",
          ],
        ],
      ],
      [
        "a connection that is a text",
        { connection: "h" },
        [
          [
            "connection",
            "Field 'connection' on 'remote.CommandInputs' must be a 'remote.Connection'; got 'string' instead",
          ],
        ],
      ],
      ["an unknown property", { foo: 1 }, [["foo", "Unrecognized field 'foo' on 'remote.CommandInputs'"]]],
      [
        "a command that is a number",
        { create: 1 },
        [["create", "Field 'create' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead"]],
      ],
      [
        "a command that is an object",
        { create: { a: 1 } },
        [
          [
            "create",
            "An error occurred decoding 'CommandInputs.create': Cannot decode Object{} to type string; " +
              "it isn't a struct, and no custom decoder exists",
          ],
        ],
      ],
      [
        "a command that is an asset",
        { create: source },
        [
          [
            "create",
            "Field 'create' on 'remote.CommandInputs' must be a 'string'; got 'asset.Asset' instead",
          ],
        ],
      ],
      [
        "a variable that is a number",
        { environment: { A: 1 } },
        [
          [
            "environment[A] value",
            "Field 'environment[A] value' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead",
          ],
        ],
      ],
      [
        "variables in a list",
        { environment: ["A"] },
        [
          [
            "environment",
            "Field 'environment' on 'remote.CommandInputs' must be a 'map[string]string'; got '[]interface {}' instead",
          ],
        ],
      ],
      [
        "triggers that are a text",
        { triggers: "t" },
        [
          [
            "triggers",
            "Field 'triggers' on 'remote.CommandInputs' must be a '[]interface {}'; got 'string' instead",
          ],
        ],
      ],
      [
        "logging that is a number",
        { logging: 1 },
        [
          [
            "logging",
            "Field 'logging' on 'remote.CommandInputs' must be a 'remote.Logging'; got 'float64' instead",
          ],
        ],
      ],
      [
        "a flag that is a text",
        { addPreviousOutputInEnv: "yes" },
        [
          [
            "addPreviousOutputInEnv",
            "Field 'addPreviousOutputInEnv' on 'remote.CommandInputs' must be a 'bool'; got 'string' instead",
          ],
        ],
      ],
    ];
    for (const [what, inputs, failures] of refused) {
      test(`refuses ${what}`, async () => {
        const answer = await check({ connection, ...inputs });
        assert.deepEqual(
          answer.failures,
          failures.map(([property, reason]) => ({ property, reason })),
        );
      });
    }

    test("knows no other resources", async () => {
      await assert.rejects(
        scene.plugin.check("urn:pulumi:dev::p::command:remote:Other::n", {}),
        (error: Error & { status?: string }) =>
          error.status === "NOT_FOUND" && error.message.startsWith("Resource 'remote:Other' not found"),
      );
    });

    test("finds the resource below a component", async () => {
      const answer = await scene.plugin.check("urn:pulumi:dev::p::x:index:Y$command:remote:Command::n", {
        connection,
      });
      assert.deepEqual(canonical(answer.inputs), { connection: checkedConnection });
    });
  });

  describe("check of a copy", () => {
    const sources: [string, Json, Json][] = [
      ["a file", fileAsset("/etc/hostname", "hash"), { $asset: { path: "/etc/hostname", hash: "hash" } }],
      ["a text", textAsset("text", "hash"), { $asset: { text: "text", hash: "hash" } }],
      ["a folder", fileArchive("/etc", "hash"), { $archive: { path: "/etc", hash: "hash" } }],
      [
        "a secret text",
        secret(textAsset("text", "hash")),
        { $secret: { $asset: { text: "text", hash: "hash" } } },
      ],
    ];
    for (const [what, given, expected] of sources) {
      test(`takes ${what} as source`, async () => {
        const answer = await check({ connection, source: given, remotePath: "/x" }, "CopyToRemote");
        assert.deepEqual(answer.failures, []);
        assert.deepEqual(canonical(answer.inputs), {
          connection: checkedConnection,
          source: expected,
          remotePath: "/x",
        });
      });
    }

    const noSource = { property: "asset", reason: "either asset or archive must be set" };
    const noFile = { property: "asset", reason: "asset must be a path-based file asset or a text asset" };
    const wrongSources: [string, Json, { property: string; reason: string }[]][] = [
      ["a source that is not known yet", unknown, [noSource]],
      ["a source that is a text of the program", "/etc/hostname", [noSource]],
      ["an empty text", textAsset("", "hash"), [noFile]],
      ["a file at an address", remoteAsset("https://example.invalid/x", "hash"), [noFile]],
      [
        "an archive of assets",
        assetArchive({ a: textAsset("x", "hash") }, "hash"),
        [{ property: "archive", reason: "archive must be a path to a file or directory" }],
      ],
      [
        "no source",
        null,
        [
          noSource,
          { property: "source", reason: "Missing required field 'source' on 'remote.CopyToRemoteInputs'" },
        ],
      ],
      [
        "a list",
        ["x"],
        [
          noSource,
          {
            property: "source",
            reason:
              "Field 'source' on 'remote.CopyToRemoteInputs' must be a 'types.AssetOrArchive'; got '[]interface {}' instead",
          },
        ],
      ],
      [
        "an object",
        { path: "x" },
        [
          {
            property: "source",
            reason:
              "An error occurred decoding 'CopyToRemoteInputs.source': 1 failures decoding:\n" +
              "\tpath: Unrecognized field 'path' on 'types.AssetOrArchive'",
          },
          noSource,
        ],
      ],
    ];
    for (const [what, given, failures] of wrongSources) {
      test(`refuses ${what} as source`, async () => {
        const answer = await check({ connection, source: given, remotePath: "/x" }, "CopyToRemote");
        const byReason = (a: { reason: string }, b: { reason: string }) => (a.reason < b.reason ? -1 : 1);
        assert.deepEqual(answer.failures.sort(byReason), failures.sort(byReason));
      });
    }

    test("refuses a missing path", async () => {
      const answer = await check({ connection, source }, "CopyToRemote");
      assert.deepEqual(answer.failures, [
        {
          property: "remotePath",
          reason: "Missing required field 'remotePath' on 'remote.CopyToRemoteInputs'",
        },
      ]);
    });
  });

  describe("diff", () => {
    const diff = async (olds: Properties, news: Properties, ignoreChanges: string[] = []) => {
      const type = "remotePath" in olds ? "CopyToRemote" : "Command";
      const urn = scene.urn(type);
      const inputs = (await scene.plugin.check(urn, { connection, ...olds })).inputs;
      const state = {
        id: "id",
        inputs,
        outputs: { ...inputs, stdout: "", stderr: "" },
      } as unknown as ResourceState;
      const checked = (await scene.plugin.check(urn, { connection, ...news })).inputs;
      return scene.plugin.diff(urn, state, checked, ignoreChanges);
    };
    const command = { create: "true" };
    const copy = { remotePath: "/x", source };

    const changes: [string, Properties, Properties, Record<string, string>, string[]?][] = [
      [
        "nothing",
        { ...command, triggers: [1], environment: { A: "1" } },
        { ...command, triggers: [1], environment: { A: "1" } },
        {},
      ],
      ["a command", command, { create: "false" }, { create: "update" }],
      ["a new command", command, { ...command, update: "x" }, { update: "add" }],
      ["a command that went", command, {}, { create: "delete" }],
      [
        "any part of the connection as a whole",
        command,
        { ...command, connection: { host: "i" } },
        { connection: "update" },
      ],
      [
        "a rotated key",
        { ...command, connection: { host: "h", privateKey: "a" } },
        { ...command, connection: { host: "h", privateKey: "b" } },
        { connection: "update" },
      ],
      [
        "first triggers as a replacement",
        command,
        { ...command, triggers: [1] },
        { triggers: "add-replace" },
      ],
      [
        "triggers that went as a replacement",
        { ...command, triggers: [1] },
        command,
        { triggers: "delete-replace" },
      ],
      [
        "secret triggers as a replacement",
        { ...command, triggers: secret([1]) },
        { ...command, triggers: secret([2]) },
        { triggers: "update-replace" },
      ],
      [
        "elements of triggers one by one",
        { ...command, triggers: [1, 2, 3] },
        { ...command, triggers: [1, 4] },
        { "triggers[1]": "update", "triggers[2]": "delete" },
      ],
      [
        "one more trigger",
        { ...command, triggers: [1] },
        { ...command, triggers: [1, 2] },
        { "triggers[1]": "add" },
      ],
      [
        "the type of a trigger",
        { ...command, triggers: [1] },
        { ...command, triggers: ["1"] },
        { "triggers[0]": "update" },
      ],
      [
        "a trigger that was null",
        { ...command, triggers: [null] },
        { ...command, triggers: [1] },
        { "triggers[0]": "add" },
      ],
      [
        "deep inside a trigger",
        { ...command, triggers: [{ a: { b: 1 } }] },
        { ...command, triggers: [{ a: { b: 2, "c.d": 3 } }] },
        { "triggers[0].a.b": "update", 'triggers[0].a["c.d"]': "add" },
      ],
      [
        "a trigger that is not known yet",
        { ...command, triggers: [1] },
        { ...command, triggers: [unknown] },
        { "triggers[0]": "update" },
      ],
      [
        "a trigger that is an asset, by its hash",
        { ...command, triggers: [textAsset("a", "1"), textAsset("b", "2")] },
        { ...command, triggers: [textAsset("c", "1"), textAsset("b", "3")] },
        { "triggers[1]": "update" },
      ],
      [
        "variables one by one",
        { ...command, environment: { A: "1", B: "2" } },
        { ...command, environment: { A: "2", "C-D": "3" } },
        { "environment.A": "update", "environment.B": "delete", 'environment["C-D"]': "add" },
      ],
      [
        "that a value became secret",
        { ...command, stdin: "a" },
        { ...command, stdin: secret("a") },
        { stdin: "update" },
      ],
      [
        "a value that is not known yet",
        { ...command, stdin: "a" },
        { ...command, stdin: unknown },
        { stdin: "update" },
      ],
      ["no connection that is not known yet", command, { ...command, connection: unknown }, {}],
      ["nothing that is ignored", { ...command, stdin: "a" }, { ...command, stdin: "b" }, {}, ["stdin"]],
      [
        "no element that is ignored, as only whole properties can be",
        { ...command, triggers: [1] },
        { ...command, triggers: [2] },
        { "triggers[0]": "update" },
        ["triggers[0]"],
      ],
      ["the path of a copy as an update", copy, { ...copy, remotePath: "/y" }, { remotePath: "update" }],
      [
        "the source of a copy as an update",
        copy,
        { ...copy, source: textAsset("b", "hash-2") },
        { source: "update" },
      ],
      [
        "no source of another kind with the same hash",
        copy,
        { ...copy, source: fileAsset("/b", "hash-1") },
        {},
      ],
      [
        "a file that became an archive",
        copy,
        { ...copy, source: fileArchive("/b", "hash-1") },
        { source: "update" },
      ],
      ["triggers of a copy as a replacement", copy, { ...copy, triggers: [1] }, { triggers: "add-replace" }],
    ];
    for (const [what, olds, news, expected, ignored] of changes) {
      test(`shows ${what}`, async () => {
        const answer = await diff(olds, news, ignored);
        const names = [...new Set(Object.keys(expected).map((path) => path.replace(/[.[].*/, "")))].sort();
        assert.deepEqual(answer, {
          changes: names.length > 0 ? "some" : "none",
          detailed: expected,
          diffs: names,
          replaces: names.filter((name) => expected[name]?.endsWith("-replace")),
          deleteBeforeReplace: false,
          hasDetails: true,
        });
      });
    }

    test("ignores what the engine adds", async () => {
      const urn = scene.urn("Command");
      const { inputs } = await scene.plugin.check(urn, { connection });
      const state = { id: "id", inputs, outputs: inputs } as unknown as ResourceState;
      const answer = await scene.plugin.diff(urn, state, { ...inputs, version: "1", __internal: {} });
      assert.equal(answer.changes, "none");
    });
  });

  describe("preview", () => {
    test("of a create: the output is not known, inputs are, and nobody is dialled", async () => {
      const { state, dials } = await scene.create(
        "Command",
        {
          connection: scene.connection(),
          create: "touch /never",
          stdin: secret("s"),
          triggers: [1, unknown],
        },
        { preview: true },
      );
      const { connection: _, ...values } = state?.values ?? {};
      assert.deepEqual(values, {
        create: "touch /never",
        stdin: { $secret: "s" },
        triggers: [1, { $unknown: true }],
        stdout: { $unknown: true },
        stderr: { $unknown: true },
      });
      assert.match(state?.id ?? "", /^case-\d+[0-9a-f]{8}$/);
      assert.equal(dials, 0);
    });

    test("of a create with inputs that are not known yet", async () => {
      const { state } = await scene.create(
        "Command",
        { connection: unknown, create: unknown, environment: { A: unknown } },
        { preview: true },
      );
      assert.deepEqual(state?.values, {
        connection: { $secret: { $unknown: true } },
        create: { $unknown: true },
        environment: { A: { $unknown: true } },
        stdout: { $unknown: true },
        stderr: { $unknown: true },
      });
    });

    const updated: [string, Properties, Properties, boolean][] = [
      ["that changes nothing: the output stays known", { create: "a" }, { create: "a" }, true],
      ["that changes the command: the output is not known", { create: "a" }, { create: "b" }, false],
      [
        "that changes the connection: the output is not known",
        { create: "a" },
        { create: "a", connection: { host: "i" } },
        false,
      ],
      [
        "with an unknown trigger: the output is not known",
        { create: "a", triggers: [1] },
        { create: "a", triggers: [unknown] },
        false,
      ],
      [
        "that only adds a property: the output stays known",
        { create: "a" },
        { create: "a", stdin: "s" },
        true,
      ],
    ];
    for (const [what, olds, news, known] of updated) {
      test(`of an update ${what}`, async () => {
        const urn = scene.urn("Command");
        const { inputs } = await scene.plugin.check(urn, { connection, ...olds });
        const state = {
          id: "id",
          inputs,
          outputs: { ...inputs, stdout: "o", stderr: "e" },
        } as unknown as ResourceState;
        const checked = (await scene.plugin.check(urn, { connection, ...news })).inputs;
        const { values } = await scene.plugin.update(urn, state, checked, { preview: true });
        assert.deepEqual(
          [values.stdout, values.stderr],
          known ? ["o", "e"] : [{ $unknown: true }, { $unknown: true }],
        );
        assert.equal(values.create, checked.create);
      });
    }

    test("of a copy: the source is not known, and there is no identifier yet", async () => {
      const { state, dials } = await scene.create(
        "CopyToRemote",
        { connection: scene.connection(), source, remotePath: "/never" },
        { preview: true },
      );
      assert.equal(state?.id, "");
      assert.deepEqual(state.values.source, { $unknown: true });
      assert.equal(state.values.remotePath, "/never");
      assert.equal(dials, 0);
    });

    test("of a copy's update: the source stays known when nothing changes", async () => {
      const urn = scene.urn("CopyToRemote");
      const { inputs } = await scene.plugin.check(urn, { connection, source, remotePath: "/x" });
      const state = { id: "id", inputs, outputs: inputs } as unknown as ResourceState;
      const same = await scene.plugin.update(urn, state, inputs, { preview: true });
      assert.deepEqual(same.values.source, { $asset: { text: "text", hash: "hash-1" } });
      const moved = await scene.plugin.update(urn, state, { ...inputs, remotePath: "/y" }, { preview: true });
      assert.deepEqual(moved.values.source, { $unknown: true });
    });
  });

  describe("what the engine may not send", () => {
    test("a create with wrong inputs fails", async () => {
      await assert.rejects(
        scene.plugin.create(scene.urn("Command"), { connection: { host: "h" }, zip: 1 }),
        /^PluginError: invalid inputs: 1 failures decoding:\n\tzip: Unrecognized field 'zip' on 'remote.CommandInputs'$/,
      );
    });

    test("an update from a state that cannot be read fails", async () => {
      const urn = scene.urn("Command");
      const { inputs } = await scene.plugin.check(urn, { connection });
      const state = { id: "id", inputs, outputs: { zip: 1 } } as unknown as ResourceState;
      await assert.rejects(scene.plugin.update(urn, state, inputs), {
        message:
          "4 failures decoding:\n" +
          "\tconnection: Missing required field 'connection' on 'remote.CommandOutputs'\n" +
          "\tstdout: Missing required field 'stdout' on 'remote.CommandOutputs'\n" +
          "\tstderr: Missing required field 'stderr' on 'remote.CommandOutputs'\n" +
          "\tzip: Unrecognized field 'zip' on 'remote.CommandOutputs'",
      });
    });
  });

  test("the schema has the same properties for the resources that both know", async () => {
    const schema = (await scene.plugin.schema()) as Record<string, Record<string, Json>>;
    const shown = {
      connection: schema.types?.["command:remote:Connection"],
      proxy: schema.types?.["command:remote:ProxyConnection"],
      command: schema.resources?.["command:remote:Command"],
      copy: schema.resources?.["command:remote:CopyToRemote"],
    };
    assert.deepEqual(sorted(shown as Json), sorted(expectedSchema));
  });
});

function connectionDefaults(host: string): Properties {
  return { host, user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
}

/** Without descriptions, and with the names of required properties in order. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted).sort();
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(
    ([key, field]) => key !== "description" || typeof field !== "string",
  );
  return Object.fromEntries(entries.map(([key, field]) => [key, sorted(field)]));
}

const endpointSchema: Properties = {
  agentSocketPath: { type: "string" },
  dialErrorLimit: { type: "integer", default: 10 },
  host: { type: "string" },
  hostKey: { type: "string" },
  password: { type: "string", secret: true },
  perDialTimeout: { type: "integer", default: 15 },
  port: { type: "number", default: 22 },
  privateKey: { type: "string", secret: true },
  privateKeyPassword: { type: "string", secret: true },
  user: { type: "string", default: "root" },
};
const sharedSchema: Properties = {
  connection: { $ref: "#/types/command:remote:Connection", secret: true },
  triggers: { type: "array", items: { $ref: "pulumi.json#/Any" }, replaceOnChanges: true },
};
const commandSchema: Properties = {
  ...sharedSchema,
  addPreviousOutputInEnv: { type: "boolean" },
  create: { type: "string" },
  delete: { type: "string" },
  environment: { type: "object", additionalProperties: { type: "string" } },
  logging: { $ref: "#/types/command:remote:Logging" },
  stdin: { type: "string" },
  update: { type: "string" },
};
const copySchema: Properties = {
  ...sharedSchema,
  remotePath: { type: "string" },
  source: { $ref: "pulumi.json#/Asset" },
};
const expectedSchema: Json = {
  connection: {
    type: "object",
    required: ["host"],
    properties: { ...endpointSchema, proxy: { $ref: "#/types/command:remote:ProxyConnection" } },
  },
  proxy: { type: "object", required: ["host"], properties: endpointSchema },
  command: {
    properties: { ...commandSchema, stdout: { type: "string" }, stderr: { type: "string" } },
    required: ["connection", "stderr", "stdout"],
    inputProperties: commandSchema,
    requiredInputs: ["connection"],
  },
  copy: {
    properties: copySchema,
    required: ["connection", "remotePath", "source"],
    inputProperties: copySchema,
    requiredInputs: ["connection", "remotePath", "source"],
  },
};
