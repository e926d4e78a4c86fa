import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import messages from "@pulumi/pulumi/proto/language_pb.js";
import type pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { ensureToolchain } from "../../tools/setup/toolchain.ts";
import { engineVersion } from "../../tools/setup/versions.ts";
import { LanguageHostProcess, programInfo } from "./support/language-host-process.ts";

// What it does for a program that is right, `test/e2e` shows with the example in Python.
describe("the language host of Python", () => {
  let folder: string;
  let host: LanguageHostProcess;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "python-language-host-"));
    const { pulumi } = await ensureToolchain({ python: true, log: () => undefined });
    const path = join(dirname(pulumi), "pulumi-language-python");
    host = await LanguageHostProcess.start({ name: "stand-in", path }, process.env);
  });
  after(async () => {
    await host?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(options: Record<string, string | boolean>): Promise<string> {
    const request = new messages.RunRequest();
    request.setInfo(programInfo(folder, options));
    const answer = await host.call<messages.RunRequest, messages.RunResponse>("run", request);
    return answer.getError();
  }

  test("tells the engine's version, and that it is a stand-in where it is", async () => {
    const info = await host.call<emptyMessages.Empty, pluginMessages.PluginInfo>(
      "getPluginInfo",
      new emptyMessages.Empty(),
    );
    assert.match(info.getVersion(), /^v?[\d.]+(\+stand-in\.[0-9a-f]{16})?$/);
    assert.ok(info.getVersion().replace(/^v/, "").startsWith(engineVersion));
  });

  test("tells what a program lacks that is not installed, and the commands that install it", async () => {
    const needed = await run({ toolchain: "pip", virtualenv: "venv" });
    assert.ok(needed.includes(`"${join(folder, "venv")}" doesn't exist`), needed);
    assert.match(needed, /python3? -m venv /);
    await mkdir(join(folder, "venv"));
    assert.match(
      await run({ toolchain: "pip", virtualenv: "venv" }),
      /doesn't appear to be a virtual environment/,
    );
  });

  test("refuses options that it does not know", async () => {
    await assert.rejects(
      run({ toolchain: "conda" }),
      /toolchain option must be one of pip, poetry or uv, got conda|unsupported toolchain/,
    );
    await assert.rejects(run({ virtualenv: true }), /virtualenv option must be a string/);
  });
});
