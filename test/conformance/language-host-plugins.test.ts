import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import grpc from "@grpc/grpc-js";
import analyzerServices from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzerMessages from "@pulumi/pulumi/proto/analyzer_pb.js";
import messages from "@pulumi/pulumi/proto/language_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { programInfo } from "./support/language-host-process.ts";
import { findLanguageHosts, type LanguageHostProgram } from "./support/language-hosts.ts";
import { isAlive, ProbeCase, startOf, until } from "./support/probe-case.ts";

const hosts = await findLanguageHosts();
after(() => hosts.remove());

const defineCases = (program: LanguageHostProgram) => {
  describe(`plugins of a language host: ${program.name}`, { concurrency: 4 }, () => {
    let probeCase: ProbeCase;
    let directory: string;
    let folder: string;
    const start = (environment?: NodeJS.ProcessEnv) => probeCase.start(environment);

    before(async () => {
      probeCase = await ProbeCase.create(program);
      ({ directory, folder } = probeCase);
    });
    after(() => probeCase?.dispose());

    describe("a plugin", { concurrency: 4 }, () => {
      function pluginRequest(action: string): messages.RunPluginRequest {
        const request = new messages.RunPluginRequest();
        request.setInfo(programInfo(folder));
        request.setKind("resource");
        request.setPwd(directory);
        request.setArgsList(["127.0.0.1:3", action]);
        request.setEnvList([`PATH=${dirname(process.execPath)}`, "GIVEN=a=b"]);
        return request;
      }

      test("runs from its folder, with the arguments and variables of the engine", async () => {
        const host = await start();
        const { stdout, stderr, error } = await host.read(host.client.runPlugin(pluginRequest("print")));
        assert.equal(error, undefined);
        const { args, cwd, environment } = startOf(stdout);
        assert.deepEqual([args, cwd], [[folder, "127.0.0.1:3", "print"], directory]);
        assert.deepEqual(environment, { PULUMI_NODEJS_TYPESCRIPT: "true", GIVEN: "a=b" });
        assert.match(stdout, /without an end of line$/);
        assert.equal(stderr, "an error of the program\n");
      });

      test("that fails is told with its exit code", async () => {
        const host = await start();
        const { error } = await host.read(host.client.runPlugin(pluginRequest("exit:3")));
        assert.match(error ?? "", /Program exited with non-zero exit code: 3/);
      });

      test("ends when the engine gives it up", async () => {
        const host = await start();
        const call = host.client.runPlugin(pluginRequest("wait"));
        let told = "";
        const streamed = host.read(call, (stdout) => {
          told = stdout;
          if (stdout.includes("\n")) call.cancel();
        });
        await streamed;
        await until(() => !isAlive(startOf(told).pid));
      });

      test("without the SDK is told to install it", async () => {
        const request = pluginRequest("exit:0");
        request.setInfo(programInfo(directory));
        const host = await start();
        const { error } = await host.read(host.client.runPlugin(request));
        assert.match(error ?? "", /SDK has not been installed\. Have you run npm install in /);
      });
    });

    test("a policy pack runs in its folder when the engine has told the stack, and one that tells no port is told", async () => {
      const request = new messages.RunPluginRequest();
      request.setInfo(programInfo(folder));
      request.setKind("analyzer");
      request.setPwd(directory);
      request.setArgsList(["127.0.0.1:3"]);
      request.setEnvList([`PATH=${dirname(process.execPath)}`]);
      const host = await start();
      let asked: Promise<string> | undefined;
      const { stderr } = await host.read(host.client.runPlugin(request), (stdout) => {
        const [, port] = /^(\d+)\n/.exec(stdout) ?? [];
        if (port !== undefined) asked ??= askPack(Number(port));
      });
      // A call that comes before the end of the pack is told, and one that comes after it meets nobody.
      assert.match((await asked) ?? "", /policy pack|No connection established/);
      const { args, cwd, environment } = startOf(stderr);
      assert.deepEqual([args, cwd], [["127.0.0.1:3", folder], folder]);
      assert.equal(environment["PULUMI_CONFIG"], '{"sample:word":"told"}');
    });
  });
};

describe("plugins of language hosts", { concurrency: true }, () => hosts.programs.forEach(defineCases));

/** Tells a pack about a stack and asks it for its policies, as the engine does; gives what that failed with. */
async function askPack(port: number): Promise<string> {
  const client = new analyzerServices.AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const stack = new analyzerMessages.AnalyzerStackConfigureRequest();
  stack.getConfigMap().set("sample:word", "told");
  try {
    await new Promise<void>((resolve, reject) =>
      client.configureStack(stack, (error) => (error ? reject(error) : resolve())),
    );
    return await new Promise((resolve) =>
      client.getAnalyzerInfo(new emptyMessages.Empty(), (error) => resolve(error?.details ?? "")),
    );
  } finally {
    client.close();
  }
}
