import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureImage } from "../image.ts";
import type { Lab } from "../lab.ts";
import type { Namespace } from "../namespace.ts";
import { AwsApi } from "./api/aws-api.ts";
import { Front } from "./front.ts";
import type { InstanceHost } from "./instance.ts";
import type { InstanceRefresh } from "./instance-refresh.ts";
import { MotoServer } from "./moto-server.ts";
import { answerOfLab } from "./own-answers.ts";
import { installPlugin, socketVariable } from "./plugin/launcher.ts";
import { Region } from "./region.ts";
import { InstanceApi, type Access } from "./services/instance-api.ts";
import { makeServiceCertificate, type ServiceCertificate } from "./services/lab-authority.ts";
import { MetadataService } from "./services/metadata-service.ts";
import { RelayedServer } from "./services/relayed-server.ts";
import { RoleCredentials } from "./services/role-credentials.ts";

const groupStepMs = 500;
const servicePort = 443;
/** Regions whose instances can ask AWS for something. */
const regionsWithServices = ["eu-central-1", "us-east-1"];

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
  readonly #certificate: ServiceCertificate;
  readonly #credentials = new RoleCredentials();
  readonly #instanceApi: InstanceApi;
  readonly #servers: RelayedServer[] = [];
  #apiStation: Namespace | undefined;
  #front: Front | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  /** Regions that will be looked at anyway. */
  readonly #due = new Set<string>();
  #isStepDue = false;
  #failure: Error | undefined;

  private constructor(lab: Lab, image: string, moto: MotoServer, certificate: ServiceCertificate) {
    this.#certificate = certificate;
    this.#lab = lab;
    this.#image = image;
    this.#moto = moto;
    this.#socket = join(lab.directory, "aws.socket");
    this.#instanceApi = new InstanceApi(
      this.#socket,
      (region) => this.api(region),
      certificate,
      this.#credentials,
    );
    this.#stations = new Set([lab.operator, lab.outsider]);
    this.pulumiHome = join(lab.directory, "pulumi-home");
    this.environment = { [socketVariable]: this.#socket, AWS_REGION: "eu-central-1" };
  }

  /** Builds the cloud in a lab, where the lab's operator and outsider are on the Internet. */
  static async create(lab: Lab): Promise<Cloud> {
    const log = (line: string): void => console.error(`lab: ${line}`);
    const names = regionsWithServices.flatMap((region) => [
      `secretsmanager.${region}.amazonaws.com`,
      `s3.${region}.amazonaws.com`,
      `*.s3.${region}.amazonaws.com`,
    ]);
    const [image, moto, certificate] = await Promise.all([
      ensureImage(log, { packages: ["cloud-init", "e2fsprogs"] }),
      MotoServer.start(),
      makeServiceCertificate(names),
    ]);
    const cloud = new Cloud(lab, image, moto, certificate);
    try {
      cloud.#front = await Front.open(
        cloud.#socket,
        moto.port,
        (region) => cloud.#follow(region),
        (call) => answerOfLab(call, (region) => cloud.#region(region)),
      );
      await cloud.#serveApi();
      await mkdir(cloud.pulumiHome, { recursive: true });
      await installPlugin(cloud.pulumiHome);
    } catch (error) {
      await cloud.dispose();
      throw error;
    }
    cloud.#timer = setInterval(() => cloud.#followGroups(), groupStepMs);
    return cloud;
  }

  /** What AWS itself says. */
  api(region = "eu-central-1"): AwsApi {
    return new AwsApi(this.#socket, region);
  }

  /** What instances have asked AWS for so far, with the credentials of their roles. */
  get accesses(): readonly Access[] {
    return this.#instanceApi.accesses;
  }

  /** The last instance refresh of an Auto Scaling group. */
  async instanceRefresh(group: string, region = "eu-central-1"): Promise<InstanceRefresh | undefined> {
    await this.settled();
    return (await this.#regions.get(region))?.groups.refreshOf(group);
  }

  /** Lets a station reach public addresses of the cloud. */
  async connect(station: Namespace): Promise<void> {
    this.#stations.add(station);
    for (const region of this.#regions.keys()) void this.#follow(region);
    await this.settled();
  }

  /**
   * Resolves when the lab has done whatever AWS was asked for so far. Instances may still boot.
   *
   * @throws Error that the lab failed with
   */
  async settled(): Promise<void> {
    let work;
    do {
      work = this.#work;
      await work;
    } while (work !== this.#work);
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

  /** The hardware below an instance fails, and AWS has not noticed: nobody answers there any more. */
  async crash(id: string, region = "eu-central-1"): Promise<void> {
    const host = await this.host(id, region);
    await host.destroy();
  }

  async dispose(): Promise<void> {
    clearInterval(this.#timer);
    const regions = await Promise.allSettled(this.#regions.values());
    for (const region of regions) if (region.status === "fulfilled") region.value.close();
    await this.#front?.close();
    await this.#work;
    for (const server of this.#servers) await server.close();
    await this.#moto.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** The API for instances, at an address of its own. */
  async #serveApi(): Promise<void> {
    const station = await this.#lab.station("aws-api");
    const server = await RelayedServer.open(join(this.#lab.directory, "services.socket"), (connection) =>
      this.#instanceApi.accept(connection),
    );
    this.#servers.push(server);
    await server.listen(station, station.address, servicePort);
    this.#stations.add(station);
    this.#apiStation = station;
  }

  #region(name: string): Promise<Region> {
    const known = this.#regions.get(name);
    if (known !== undefined) return known;
    const station = this.#lab.station(this.#regions.size === 0 ? "aws" : `aws-${this.#regions.size}`);
    const region = station.then((router) =>
      Region.create(
        this.api(name),
        this.#lab,
        this.#image,
        router,
        this.#stations,
        {
          authorityPem: this.#certificate.authorityPem,
          apiAddress: this.#apiStation?.address ?? "",
          serveMetadata: (namespace, address) => this.#serveMetadata(name, namespace, address),
        },
        () => this.#followGroups(),
      ),
    );
    this.#regions.set(name, region);
    return region;
  }

  async #serveMetadata(region: string, router: Namespace, address: string): Promise<void> {
    const service = new MetadataService(
      async (from) => (await this.#region(region)).metadataOf(from),
      this.#credentials,
    );
    const socket = join(this.#lab.directory, `metadata-${region}.socket`);
    const server = await RelayedServer.open(socket, (connection, from) => service.accept(connection, from));
    this.#servers.push(server);
    await server.listen(router, address, 80);
  }

  /** @returns when it is done */
  #follow(name: string): Promise<void> {
    if (this.#due.has(name)) return this.#work;
    this.#due.add(name);
    const region = this.#region(name);
    this.#then(async () => {
      this.#due.delete(name);
      await (await region).follow();
    });
    return this.#work;
  }

  /** What AWS does by itself, wherever there are groups. */
  #followGroups(): void {
    if (this.#isStepDue) return;
    this.#isStepDue = true;
    this.#then(async () => {
      this.#isStepDue = false;
      for (const pending of this.#regions.values()) {
        const region = await pending;
        if (region.groups.size > 0) await region.followGroups();
      }
    });
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    });
  }
}
