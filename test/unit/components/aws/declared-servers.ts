import assert from "node:assert/strict";
import type * as Components from "../../../../components/aws/index.ts";
import { mockAws, untilDeclared, type MockedAws } from "./mocked-aws.ts";
import { recordOptions, type RegisteredOptions } from "./registered-options.ts";

/** Who may log in, where a test is about something else. */
export const sshFrom = ["203.0.113.7/32"];

/** Servers on an AWS of mocks. */
export interface DeclaredServers {
  readonly aws: MockedAws;
  readonly components: typeof Components;
  readonly options: ReadonlyMap<string, RegisteredOptions>;
  /** Resolves when all of a server is declared; `child` gives the inputs of a child, `names` are theirs. */
  declare(
    name: string,
    args?: Partial<Components.AwsVpnServerArgs>,
    opts?: Components.AwsVpnServerResourceOptions,
  ): Promise<{
    readonly server: Components.AwsVpnServer;
    readonly child: (suffix: string) => Readonly<Record<string, unknown>>;
    readonly names: readonly string[];
  }>;
  /** What a server says of arguments that it refuses at once. */
  refused(args: object, opts?: Components.AwsVpnServerResourceOptions): string;
}

export async function declaredServers(): Promise<DeclaredServers> {
  const aws = await mockAws();
  const components = await import("../../../../components/aws/index.ts");
  return {
    aws,
    components,
    options: recordOptions(),
    async declare(name, args = {}, opts = {}) {
      const server = new components.AwsVpnServer(name, { sshFrom, ...args }, opts);
      await untilDeclared(aws.resources, [
        `${name}-server-hubs`,
        `${name}-server-repair`,
        `${name}-first-boot`,
      ]);
      const child = (suffix: string) => {
        const resource = aws.resources.get(`${name}-${suffix}`);
        assert.ok(resource, `there is no ${suffix}`);
        return resource.inputs;
      };
      const names = [...aws.resources.keys()]
        .filter((key) => key.startsWith(`${name}-`))
        .map((key) => key.slice(name.length + 1));
      return { server, child, names };
    },
    refused(args, opts = {}) {
      try {
        new components.AwsVpnServer("wrong", args as Components.AwsVpnServerArgs, opts);
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error("nothing was refused");
    },
  };
}
