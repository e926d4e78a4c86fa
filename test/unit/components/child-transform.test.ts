import "./lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { transformChild, type ChildTransform } from "../../../components/deployment/child-transform.ts";
import type * as Components from "../../../components/index.ts";
import { hostKey } from "./host-key-text.ts";
import { mockPulumi, untilDeclared, type MockedResource } from "./mocked-pulumi.ts";

const child = {
  name: "office-install",
  args: { connection: { host: "192.0.2.1" }, logging: "stderr" },
  opts: {},
} as const;
const returning = (changed: object) => ({ install: (() => changed) as ChildTransform });

describe("a transform", () => {
  test("that returns nothing leaves the child as it is", () => {
    assert.equal(transformChild({ install: () => undefined }, "install", child), child);
    assert.equal(transformChild({}, "install", child), child);
  });

  test("changes what it returns, and the rest stays", () => {
    const opts = { customTimeouts: { create: "20m" } };
    assert.deepEqual(transformChild(returning({ opts }), "install", child), { ...child, opts });
    assert.deepEqual(transformChild(returning({ args: { logging: "none" } }), "install", child), {
      ...child,
      args: { ...child.args, logging: "none" },
    });
  });

  test("is for its own child", () => {
    assert.equal(transformChild(returning({ opts: { protect: true } }), "hubs", child), child);
  });

  test("may not change what the component works by", () => {
    for (const [changed, message] of [
      [
        { args: { stdin: "echo" } },
        /^transform\.install returned args with stdin: it may change connection, /,
      ],
      [{ args: { delete: "true", triggers: [1] } }, /returned args with delete, triggers: /],
      [
        { opts: { hooks: {}, parent: undefined } },
        /returned opts with hooks, parent: it may change .*deletedWith/,
      ],
      [{ opts: [] }, /returned opts that are no object/],
    ] as const) {
      assert.throws(() => transformChild(returning(changed), "install", child), { message });
    }
  });
});

/** What the engine would be asked to register. */
interface Request {
  readonly name: string;
  readonly protect?: boolean;
  readonly dependenciesList: readonly string[];
  readonly customtimeouts?: { readonly create: string };
}

const requests = new Map<string, Request>();
let resources: ReadonlyMap<string, MockedResource>;
let components: typeof Components;

describe("the transforms of a component", () => {
  before(async () => {
    resources = await mockPulumi("project");
    components = await import("../../../components/index.ts");
    const monitor = pulumi.runtime.getMonitor() as unknown as {
      registerResource(request: { toObject(): Request }, callback: unknown): void;
    };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
      const message = request.toObject();
      requests.set(message.name, message);
      register(request, callback);
    };
  });

  const connection = { host: "192.0.2.1", password: "secret", hostKey };

  async function registered(name: string): Promise<Request> {
    await untilDeclared(resources, [name]);
    const request = requests.get(name);
    assert.ok(request, name);
    return request;
  }

  test("reach options and arguments of its children", async () => {
    class Instance extends pulumi.CustomResource {}
    const instance = new Instance("project:index:Instance", "instance");
    const seen: string[] = [];
    const transform: Components.ServerTransforms = {
      install: ({ name }) => {
        seen.push(name);
        return { opts: { dependsOn: [instance], customTimeouts: { create: "20m" } } };
      },
      hubs: () => ({ args: { logging: "none" }, opts: { protect: true } }),
    };
    new components.VpnServer("office", { connection }, { transform });
    const install = await registered("office-install");
    assert.deepEqual(seen, ["office-install"]);
    assert.equal(install.customtimeouts?.create, "20m");
    assert.ok(install.dependenciesList.some((urn) => urn.endsWith("::instance")));
    assert.equal((await registered("office-hubs")).protect, true);
    assert.equal(resources.get("office-hubs")?.inputs["logging"], "none");
    assert.notEqual((await registered("office-repair")).protect, true);
    // What the component itself says of them is still there.
    assert.equal(resources.get("office-install")?.inputs["delete"], "sh -s uninstall");
    assert.equal(resources.get("office-hubs")?.inputs["addPreviousOutputInEnv"], false);
  });

  test("are those of every server of a fleet, told by the name", async () => {
    const seen: string[] = [];
    const install: ChildTransform = ({ name }) => void seen.push(name);
    new components.VpnFleet(
      "fleet",
      { servers: { paris: { connection }, rome: { connection: { ...connection, host: "192.0.2.2" } } } },
      { transform: { install } },
    );
    await registered("fleet-rome-install");
    assert.deepEqual(seen, ["fleet-paris-install", "fleet-rome-install"]);
  });

  test("are refused for a child that there is not, and for what may not be changed", () => {
    const declare = (transform: object) => () =>
      new components.VpnServer("wrong", { connection }, { transform });
    assert.throws(declare({ instal: () => undefined }), {
      message: 'VpnServer "wrong": transform.instal is not known: the children are install, hubs, repair',
    });
    assert.throws(declare({ hubs: {} }), /transform\.hubs is no function/);
    assert.throws(
      declare(returning({ args: { create: "true" } })),
      /"wrong": transform\.install returned args with create/,
    );
  });
});
