import assert from "node:assert/strict";
import { readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import messages from "@pulumi/pulumi/proto/language_pb.js";
import type pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { engineVersion } from "../../tools/setup/versions.ts";
import { programInfo, type LanguageHostProcess } from "./support/language-host-process.ts";
import { findLanguageHosts, type LanguageHostProgram } from "./support/language-hosts.ts";
import { isAlive, ProbeCase, startOn, until, write } from "./support/probe-case.ts";

const hosts = await findLanguageHosts();
after(() => hosts.remove());

const defineCases = (program: LanguageHostProgram) => {
  describe(`language host: ${program.name}`, { concurrency: 4 }, () => {
    let probeCase: ProbeCase;
    let directory: string;
    let folder: string;
    const start = (environment?: NodeJS.ProcessEnv) => probeCase.start(environment);

    before(async () => {
      probeCase = await ProbeCase.create(program);
      ({ directory, folder } = probeCase);
    });
    after(() => probeCase?.dispose());

    /** A run of the program whose only argument is what it shall do. */
    function run(
      host: LanguageHostProcess,
      action: string,
      change: (request: messages.RunRequest) => unknown = () => undefined,
    ): Promise<messages.RunResponse> {
      const request = new messages.RunRequest();
      request.setMonitorAddress("127.0.0.1:2");
      request.setProject("sample");
      request.setStack("dev");
      request.setParallel(16);
      request.setInfo(programInfo(folder));
      request.setArgsList([action]);
      change(request);
      return host.call("run", request);
    }

    test("tells the engine's version", async () => {
      const host = await start();
      const info = await host.call<emptyMessages.Empty, pluginMessages.PluginInfo>(
        "getPluginInfo",
        new emptyMessages.Empty(),
      );
      assert.equal(info.getVersion().replace("+stand-in", "").replace(/^v/, ""), engineVersion);
      // So that set-up never takes it for the official program.
      assert.equal(info.getVersion().endsWith("+stand-in"), program.name === "stand-in");
    });

    test("finds the packages whose plugins a program needs", async () => {
      const place = join(directory, "packages");
      const manifest = (path: string, content: unknown) => write(join(place, path, "package.json"), content);
      await manifest("node_modules/@pulumi/one", {
        name: "@pulumi/one",
        version: "1.2.3",
        pulumi: { resource: true },
      });
      await manifest("node_modules/@pulumi/one/node_modules/deeper", {
        name: "deeper",
        version: "v0.1.0",
        pulumi: { resource: true, name: "below", server: "https://example.com/plugins" },
      });
      await manifest("node_modules/third", {
        name: "third",
        version: "9.9.9",
        pulumi: {
          resource: true,
          name: "base",
          version: "2.0.0",
          parameterization: { name: "third", version: "3.0.0", value: "cGFyYW1ldGVy" },
        },
      });
      await manifest("node_modules/unnamed", {
        name: "unnamed",
        version: "1.0.0",
        pulumi: { resource: true },
      });
      await manifest("node_modules/component", { name: "@pulumi/component", version: "1.0.0", pulumi: {} });
      await manifest("node_modules/broken", "{");
      await manifest(".", { name: "@pulumi/itself", version: "1.0.0", pulumi: { resource: true } });
      await write(join(place, "policy/PulumiPolicy.yaml"), "runtime: nodejs\n");
      await manifest("policy/node_modules/@pulumi/other", {
        name: "@pulumi/other",
        version: "1.0.0",
        pulumi: { resource: true },
      });
      await symlink(place, join(place, "node_modules/round"));
      await symlink(join(place, "nowhere"), join(place, "node_modules/dangling"));
      const request = new messages.GetRequiredPackagesRequest();
      request.setInfo(programInfo(place));
      const host = await start();
      const answer = await host.call<
        messages.GetRequiredPackagesRequest,
        messages.GetRequiredPackagesResponse
      >("getRequiredPackages", request);
      const packages = answer.getPackagesList().map((each) => {
        const parameter = each.getParameterization();
        return [
          `${each.getKind()} ${each.getName()} ${each.getVersion()} ${each.getServer()}`.trim(),
          ...(parameter
            ? [parameter.getName(), parameter.getVersion(), Buffer.from(parameter.getValue_asU8()).toString()]
            : []),
        ].join(" ");
      });
      assert.deepEqual(packages.sort(), [
        "resource base v2.0.0 third 3.0.0 parameter",
        "resource below v0.1.0 https://example.com/plugins",
        "resource one v1.2.3",
      ]);
    });

    test("lists the packages of the lock file: those of package.json, or all", async () => {
      const place = join(directory, "locked");
      const locked = (name: string, version: string) => ({
        version,
        resolved: `https://registry.example.com/${name}/-/${version}.tgz`,
        integrity: `sha512-${name}`,
      });
      await write(join(place, "package.json"), {
        dependencies: { "@scope/direct": "1" },
        devDependencies: { tool: "2" },
      });
      await write(join(place, "package-lock.json"), {
        name: "locked",
        lockfileVersion: 3,
        packages: {
          "": { dependencies: { "@scope/direct": "1" }, devDependencies: { tool: "2" } },
          "node_modules/@scope/direct": locked("@scope/direct", "1.0.1"),
          "node_modules/deep": locked("deep", "3.0.0"),
          "node_modules/tool": { ...locked("tool", "2.0.2"), dev: true },
          "node_modules/tool/node_modules/deep": locked("deep", "2.0.0"),
        },
      });
      const host = await start();
      const list = async (transitive: boolean) => {
        const request = new messages.GetProgramDependenciesRequest();
        request.setInfo(programInfo(place));
        request.setTransitivedependencies(transitive);
        const answer = await host.call<
          messages.GetProgramDependenciesRequest,
          messages.GetProgramDependenciesResponse
        >("getProgramDependencies", request);
        return answer
          .getDependenciesList()
          .map((each) => `${each.getName()} ${each.getVersion()}`)
          .sort();
      };
      assert.deepEqual(await list(false), ["@scope/direct 1.0.1", "tool 2.0.2"]);
      assert.deepEqual(await list(true), ["@scope/direct 1.0.1", "deep 2.0.0", "deep 3.0.0", "tool 2.0.2"]);
      await rm(join(place, "package-lock.json"));
      await assert.rejects(list(false), /no package-lock\.json found \(searching upwards from/);
    });

    test("tells about Node.js, the package manager and TypeScript", async () => {
      await write(join(folder, "node_modules/typescript/package.json"), { version: "5.9.3" });
      const request = new messages.AboutRequest();
      request.setInfo(programInfo(folder));
      const host = await start();
      const answer = await host.call<messages.AboutRequest, messages.AboutResponse>("about", request);
      assert.equal(answer.getVersion(), process.version);
      assert.match(answer.getExecutable(), /\/node$/);
      const metadata = Object.fromEntries(answer.getMetadataMap().entries());
      assert.equal(metadata["packagemanager"], "npm");
      assert.match(metadata["packagemanagerVersion"] ?? "", /^\d+\.\d+\.\d+/);
      assert.equal(metadata["typescriptVersion"], "5.9.3");
    });

    test("lets `pulumi new` ask for the package manager, unless Pulumi.yaml names one", async () => {
      const host = await start();
      const ask = async (options: Record<string, string>) => {
        const request = new messages.RuntimeOptionsRequest();
        request.setInfo(programInfo(folder, options));
        const answer = await host.call<messages.RuntimeOptionsRequest, messages.RuntimeOptionsResponse>(
          "runtimeOptionsPrompts",
          request,
        );
        return answer.getPromptsList();
      };
      const [prompt] = await ask({});
      assert.equal(prompt?.getKey(), "packagemanager");
      assert.equal(prompt.getDefault()?.getStringvalue(), "npm");
      const choices = prompt.getChoicesList().map((choice) => choice.getStringvalue());
      assert.deepEqual([choices[0], choices.length], ["npm", 4]);
      assert.deepEqual(await ask({ packagemanager: "yarn" }), []);
    });

    test("installs dependencies, and passes on what the package manager prints", async () => {
      const place = join(directory, "install");
      await write(join(place, "local/package.json"), { name: "local", version: "1.0.0" });
      await write(join(place, "package.json"), { name: "install", dependencies: { local: "file:local" } });
      const request = new messages.InstallDependenciesRequest();
      request.setInfo(programInfo(place));
      const host = await start({ npm_config_audit: "false", npm_config_offline: "true" });
      const { stdout, error } = await host.read(host.client.installDependencies(request));
      assert.equal(error, undefined);
      assert.match(
        stdout,
        /^Installing dependencies\.\.\.\n[^]*added 1 package[^]*Finished installing dependencies/,
      );
      assert.match(await readFile(join(place, "node_modules/local/package.json"), "utf8"), /1\.0\.0/);
      await write(join(place, "package.json"), {
        name: "install",
        dependencies: { missing: "file:missing" },
      });
      await write(join(place, ".npmrc"), "install-links=true\n");
      assert.match(
        (await host.read(host.client.installDependencies(request))).error ?? "",
        /exit (status|code)/,
      );
    });

    describe("a run", { concurrency: 4 }, () => {
      test("gets the engine's addresses, the stack and its own arguments", async () => {
        const host = await start();
        const answer = await run(host, "", (request) => {
          request.setOrganization("organization");
          request.setDryrun(true);
          request.setArgsList(["one", "--two", ""]);
        });
        assert.equal(answer.getError(), "");
        const { args, environment } = await startOn(host);
        const options = new Map<string, string>();
        while (args[0]?.startsWith("--")) {
          const [, name = "", value] = /^--([^=]+)(?:=(.*))?$/.exec(args.shift() ?? "") ?? [];
          options.set(name, name === "dry-run" ? "" : (value ?? args.shift() ?? ""));
        }
        assert.deepEqual(args, [".", "one", "--two", ""]);
        const { monitor, sync, ...others } = Object.fromEntries(options);
        // The official program puts a proxy between the program and the monitor, with a way for calls that block.
        assert.match(monitor ?? "", program.name === "stand-in" ? /^127\.0\.0\.1:2$/ : /^127\.0\.0\.1:\d+$/);
        assert.equal(sync !== undefined, program.name !== "stand-in");
        assert.deepEqual(others, {
          engine: "127.0.0.1:1",
          organization: "organization",
          project: "sample",
          "root-directory": folder,
          stack: "dev",
          pwd: folder,
          parallel: "16",
          "dry-run": "",
        });
        assert.deepEqual(environment, {
          PULUMI_CONFIG: "{}",
          PULUMI_CONFIG_SECRET_KEYS: "[]",
          PULUMI_NODEJS_TYPESCRIPT: "true",
        });
      });

      test("gets the configuration, and which of it is secret", async () => {
        const host = await start();
        await run(host, "", (request) => {
          request.getConfigMap().set("sample:plain", 'a "quoted" value\n').set("other:hidden", "[1]");
          request.setConfigsecretkeysList(["other:hidden"]);
        });
        const { environment } = await startOn(host);
        assert.deepEqual(JSON.parse(environment["PULUMI_CONFIG"] ?? ""), {
          "sample:config:plain": 'a "quoted" value\n',
          "other:config:hidden": "[1]",
        });
        assert.deepEqual(JSON.parse(environment["PULUMI_CONFIG_SECRET_KEYS"] ?? ""), ["other:hidden"]);
      });

      test("follows the options of Pulumi.yaml", async () => {
        const host = await start();
        const info = programInfo(folder, {
          typescript: false,
          tsconfig: "tsconfig.other.json",
          nodeargs: `--no-warnings "--title=a b" --stack-trace-limit='20'`,
          packagemanager: "npm",
          unknown: 1,
        });
        await run(host, "", (request) => request.setInfo(info));
        const { execArgv, environment } = await startOn(host);
        assert.deepEqual(execArgv, ["--no-warnings", "--title=a b", "--stack-trace-limit=20"]);
        assert.equal(environment["PULUMI_NODEJS_TYPESCRIPT"], undefined);
        assert.equal(environment["PULUMI_NODEJS_TSCONFIG_PATH"], "tsconfig.other.json");
      });

      for (const [options, expected] of [
        [{ typescript: "yes" }, /typescript option must be a boolean/],
        [{ nodeargs: 1 }, /nodeargs option must be a string/],
        [
          { packagemanager: "cargo" },
          /packagemanager option must be one of auto, npm, yarn, pnpm or bun, got "cargo"/,
        ],
        [{ nodeargs: "'" }, /quot/],
      ] as const) {
        test(`refuses the options ${JSON.stringify(options)}`, async () => {
          const answer = await run(await start(), "", (request) =>
            request.setInfo(programInfo(folder, options)),
          );
          assert.match(answer.getError(), expected);
        });
      }

      test("passes NODE_OPTIONS on to the program", async () => {
        const host = await start({ NODE_OPTIONS: "--no-warnings --stack-trace-limit=12" });
        await run(host, "");
        assert.equal(
          (await startOn(host)).environment["NODE_OPTIONS"],
          "--no-warnings --stack-trace-limit=12",
        );
      });

      for (const [action, error, bail] of [
        ["exit:0", "", false],
        ["exit:1", "Program exited with non-zero exit code: 1", false],
        ["exit:32", "", true],
        ["kill:SIGKILL", "Program exited with non-zero exit code: -1", false],
      ] as const) {
        test(`that ends with ${action} answers ${JSON.stringify(error)}${bail ? ", the user knows" : ""}`, async () => {
          const answer = await run(await start(), action);
          assert.deepEqual([answer.getError(), answer.getBail()], [error, bail]);
        });
      }

      test("that runs out of memory is told how to have more", async () => {
        const answer = await run(await start(), "memory");
        assert.match(
          answer.getError(),
          /^Program exited with non-zero exit code: 134\. .*--max-old-space-size/,
        );
      });

      test("prints through the host", async () => {
        const host = await start();
        await run(host, "print");
        await until(() => host.output.stdout.endsWith("without an end of line"));
        await until(() => host.output.stderr === "an error of the program\n");
      });

      test("without the SDK is told to install it", async () => {
        const info = programInfo(directory);
        const answer = await run(await start(), "", (request) => request.setInfo(info));
        assert.match(
          answer.getError(),
          /It looks like the Pulumi SDK has not been installed\. Have you run pulumi install\?/,
        );
      });

      test("is interrupted when the deployment is cancelled", async () => {
        const host = await start();
        const answer = run(host, "wait");
        await until(() => host.output.stdout.includes("start "));
        await host.call("cancel", new emptyMessages.Empty());
        assert.match((await answer).getError(), /exit code: -1/);
        assert.ok(!isAlive((await startOn(host)).pid));
        assert.notEqual((await run(host, "exit:0")).getError(), "", "nothing runs after that");
      });

      test("is killed when it does not heed the interrupt", async () => {
        const host = await start();
        const answer = run(host, "stay");
        await until(() => host.output.stdout.includes("start "));
        await host.call("cancel", new emptyMessages.Empty());
        await until(() => host.output.stdout.includes("not yet"));
        assert.match((await answer).getError(), /exit code: -1/);
      });

      test("ends with its host", async () => {
        const host = await start();
        const answer = run(host, "wait");
        const failed = answer.then(
          () => undefined,
          () => undefined,
        );
        await until(() => host.output.stdout.includes("start "));
        await host.stop();
        await failed;
        assert.ok(!isAlive((await startOn(host)).pid));
      });
    });

    if (program.name === "stand-in") {
      test("says what only the official program does", async () => {
        const host = await start();
        await assert.rejects(
          host.call("generateProgram", new messages.GenerateProgramRequest()),
          /UNIMPLEMENTED: this stand-in .* does not generate programs; .* install Pulumi/,
        );
      });
    }
  });
};

describe("language hosts", { concurrency: true }, () => hosts.programs.forEach(defineCases));
