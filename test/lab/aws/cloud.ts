import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureImage } from "../image.ts";
import type { Lab } from "../lab.ts";
import type { Namespace } from "../namespace.ts";
import { AwsApi } from "./api/aws-api.ts";
import { Front } from "./front.ts";
import type { InstanceHost } from "./instance.ts";
import { MotoServer } from "./moto-server.ts";
import { installPlugin, socketVariable } from "./plugin/launcher.ts";
import { Region } from "./region.ts";

/**
 * AWS in a lab: moto answers the API, and the lab makes come true what it says. A program of Pulumi that uses `@pulumi/aws` gets there by
 * {@link pulumiHome} and {@link environment}; each of its instances is a host with a real cloud-init, reached by its Elastic IP.
 */
export class Cloud {
  /** Home of Pulumi with the plugin that leads here. */
  readonly pulumiHome: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #lab: Lab;
  readonly #image: string;
  readonly #socket: string;
  readonly #moto: MotoServer;
  readonly #stations: Set<Namespace>;
  readonly #regions = new Map<string, Promise<Region>>();
  #front: Front | undefined;
  #work: Promise<void> = Promise.resolve();
  /** Regions that will be looked at anyway. */
  readonly #due = new Set<string>();
  #failure: Error | undefined;

  private constructor(lab: Lab, image: string, moto: MotoServer) {
    this.#lab = lab;
    this.#image = image;
    this.#moto = moto;
    this.#socket = join(lab.directory, "aws.socket");
    this.#stations = new Set([lab.operator, lab.outsider]);
    this.pulumiHome = join(lab.directory, "pulumi-home");
    this.environment = { [socketVariable]: this.#socket, AWS_REGION: "eu-central-1" };
  }

  /** Builds the cloud in a lab, where the lab's operator and outsider are on the Internet. */
  static async create(lab: Lab): Promise<Cloud> {
    const log = (line: string): void => console.error(`lab: ${line}`);
    const [image, moto] = await Promise.all([
      ensureImage(log, { packages: ["cloud-init", "e2fsprogs"] }),
      MotoServer.start(),
    ]);
    const cloud = new Cloud(lab, image, moto);
    cloud.#front = await Front.open(cloud.#socket, moto.port, (region) => cloud.#follow(region));
    await mkdir(cloud.pulumiHome, { recursive: true });
    await installPlugin(cloud.pulumiHome);
    return cloud;
  }

  /** What AWS itself says. */
  api(region = "eu-central-1"): AwsApi {
    return new AwsApi(this.#socket, region);
  }

  /** Lets a station reach public addresses of the cloud. */
  async connect(station: Namespace): Promise<void> {
    this.#stations.add(station);
    for (const region of this.#regions.keys()) this.#follow(region);
    await this.settled();
  }

  /**
   * Resolves when the lab has done whatever AWS was asked for so far. Instances may still boot.
   *
   * @throws Error that the lab failed with
   */
  async settled(): Promise<void> {
    await this.#work;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The host of an instance that runs. */
  async host(id: string, region = "eu-central-1"): Promise<InstanceHost> {
    await this.settled();
    const host = (await this.#regions.get(region))?.host(id);
    if (host === undefined) throw new Error(`no instance ${id} runs in ${region}`);
    return host;
  }

  /** What happens when the hardware below an instance fails: it is off at once, and AWS has terminated it. */
  async kill(id: string, region = "eu-central-1"): Promise<void> {
    const protection = { InstanceId: id, DisableApiTermination: { Value: false } };
    await this.api(region).ec2("ModifyInstanceAttribute", protection);
    const host = await this.host(id, region);
    await host.destroy();
    await this.api(region).ec2("TerminateInstances", { InstanceId: [id] });
    await this.settled();
  }

  async dispose(): Promise<void> {
    await this.#front?.close();
    await this.#work;
    await this.#moto.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #follow(name: string): void {
    let region = this.#regions.get(name);
    if (region === undefined) {
      const station = this.#lab.station(this.#regions.size === 0 ? "aws" : `aws-${this.#regions.size}`);
      region = station.then((router) =>
        Region.create(this.api(name), this.#lab, this.#image, router, this.#stations),
      );
      this.#regions.set(name, region);
    }
    if (this.#due.has(name)) return;
    this.#due.add(name);
    const known = region;
    this.#work = this.#work
      .then(async () => {
        this.#due.delete(name);
        await (await known).follow();
      })
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      });
  }
}
