import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Namespace } from "../namespace.ts";
import type { AwsApi } from "./api/aws-api.ts";
import { listAt, textAt, type XmlValue } from "./api/xml.ts";
import { gatewayOf, InstanceHost, type InstanceSettings } from "./instance.ts";
import { LoadBalancers } from "./load-balancers.ts";
import { imageOf } from "./plugin/images.ts";
import { publicAddressOf } from "./plugin/public-address.ts";
import { ScalingGroups } from "./scaling-groups.ts";
import { metadataAddress, securityRules, type Guarded } from "./security-rules.ts";
import type { Metadata } from "./services/metadata-service.ts";
import { BlockVolume } from "./volume.ts";

/** A volume that a host sees. */
interface Attachment {
  readonly host: InstanceHost;
  readonly device: string;
  readonly volume: BlockVolume;
}

/** What its region's instances see of AWS. */
export interface RegionServices {
  readonly authorityPem: string;
  /** Where the API is for instances. */
  readonly apiAddress: string;
  /** Lets instances ask for their metadata at an address of their router. */
  readonly serveMetadata: (router: Namespace, address: string) => Promise<void>;
}

/**
 * One region of the lab's AWS: the hosts of its instances behind a router of their own.
 *
 *     operator, outsider, stations ── the lab's switch ── eth0 router ─┬─ i-… host
 *                                                                      └─ i-… host
 */
export class Region {
  readonly groups: ScalingGroups;
  readonly balancers: LoadBalancers;
  readonly #api: AwsApi;
  readonly #lab: Lab;
  readonly #image: string;
  readonly #router: Namespace;
  readonly #stations: ReadonlySet<Namespace>;
  readonly #hosts = new Map<string, InstanceHost>();
  readonly #attachments = new Map<string, Attachment>();
  readonly #services: RegionServices;
  #instances: ReadonlyMap<string, XmlValue> = new Map();
  #guards: { groups: XmlValue; addresses: XmlValue } = { groups: "", addresses: "" };
  #rules = "";
  #routes = "";

  private constructor(
    api: AwsApi,
    lab: Lab,
    image: string,
    router: Namespace,
    stations: ReadonlySet<Namespace>,
    services: RegionServices,
    onChange: () => void,
  ) {
    this.#services = services;
    this.balancers = new LoadBalancers(api, router, onChange);
    this.groups = new ScalingGroups(api, this.balancers);
    this.#api = api;
    this.#lab = lab;
    this.#image = image;
    this.#router = router;
    this.#stations = stations;
  }

  /**
   * @param stations who get routes to public addresses, also those that come later
   * @param onChange called when the lab itself has found out something that it has to follow
   */
  static async create(
    api: AwsApi,
    lab: Lab,
    image: string,
    router: Namespace,
    stations: ReadonlySet<Namespace>,
    services: RegionServices,
    onChange: () => void,
  ): Promise<Region> {
    await router.run("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
    const lines = [
      `address add ${metadataAddress}/32 dev lo`,
      // What is sent to an instance that is gone comes as far as the rules.
      "route add 172.16.0.0/12 dev eth0 scope link",
    ];
    await router.run("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
    await services.serveMetadata(router, metadataAddress);
    return new Region(api, lab, image, router, stations, services, onChange);
  }

  close(): void {
    this.balancers.close();
  }

  host(id: string): InstanceHost | undefined {
    return this.#hosts.get(id);
  }

  /** Makes hosts, cables, rules and volumes what AWS says that they are. */
  async follow(): Promise<void> {
    const [instances, volumes] = await Promise.all([this.#describe(), this.#api.ec2("DescribeVolumes")]);
    this.#instances = instances;
    await this.balancers.follow(this.#targets());
    await this.#endHosts(instances);
    await this.#detach(volumes);
    await this.#look();
    await this.#guard();
    await this.#startHosts(instances);
    await this.#guard();
    await this.#attach(volumes);
    await this.followGroups();
  }

  /** Makes one step with what AWS does by itself. */
  async followGroups(): Promise<void> {
    await this.groups.follow((id) => {
      const state = textAt(this.#instances.get(id), "instanceState.name");
      // Whoever was launched a moment ago has not been looked at.
      return state === "" || state === "running" || state === "pending";
    });
    this.balancers.setTargets(this.#targets());
    await this.#guard();
  }

  /** What an instance is told of itself, by the address that it asks from. */
  async metadataOf(address: string): Promise<Metadata | undefined> {
    const [id, host] = [...this.#hosts].find(([, one]) => one.settings.privateAddress === address) ?? [];
    const instance = id === undefined ? undefined : this.#instances.get(id);
    if (id === undefined || host?.isOn !== true || instance === undefined) return undefined;
    const profile = textAt(instance, "iamInstanceProfile.arn").replace(/^.*\//, "");
    const answer =
      profile === "" ? "" : await this.#api.iam("GetInstanceProfile", { InstanceProfileName: profile });
    const role = textAt(answer, "InstanceProfile.Roles.0.RoleName");
    return {
      instanceId: id,
      region: this.#api.region,
      availabilityZone: textAt(instance, "placement.availabilityZone"),
      privateAddress: address,
      imageId: textAt(instance, "imageId"),
      instanceType: textAt(instance, "instanceType"),
      ...(role !== "" && { role }),
      enabled: textAt(instance, "metadataOptions.httpEndpoint") !== "disabled",
      tokens: textAt(instance, "metadataOptions.httpTokens") === "required" ? "required" : "optional",
    };
  }

  #targets() {
    return this.groups.targets((id) => {
      const address = textAt(this.#instances.get(id), "privateIpAddress");
      return address === "" ? undefined : address;
    });
  }

  async #describe(): Promise<Map<string, XmlValue>> {
    const answer = await this.#api.ec2("DescribeInstances");
    const instances = listAt(answer, "reservationSet").flatMap((one) => listAt(one, "instancesSet"));
    return new Map(instances.map((instance) => [textAt(instance, "instanceId"), instance]));
  }

  async #look(): Promise<void> {
    const [groups, addresses] = await Promise.all([
      this.#api.ec2("DescribeSecurityGroups"),
      this.#api.ec2("DescribeAddresses"),
    ]);
    this.#guards = { groups, addresses };
  }

  async #endHosts(instances: ReadonlyMap<string, XmlValue>): Promise<void> {
    for (const [id, host] of this.#hosts) {
      const state = textAt(instances.get(id), "instanceState.name");
      if (state === "running" || state === "pending") continue;
      if (host.isOn) await host.powerOff();
      if (state === "stopped" || state === "stopping") continue;
      await host.destroy();
      this.#hosts.delete(id);
    }
  }

  async #startHosts(instances: ReadonlyMap<string, XmlValue>): Promise<void> {
    for (const [id, instance] of instances) {
      const state = textAt(instance, "instanceState.name");
      if (state !== "running" && state !== "pending") continue;
      let host = this.#hosts.get(id);
      if (host === undefined) {
        const place = { lab: this.#lab.name, image: this.#image, router: this.#router };
        host = await InstanceHost.create(await this.#settingsOf(id, instance), place);
        this.#hosts.set(id, host);
      }
      if (host.isOn || host.isLost) continue;
      await host.switchOn();
    }
  }

  async #settingsOf(id: string, instance: XmlValue): Promise<InstanceSettings> {
    const keyName = textAt(instance, "keyName");
    const [subnets, data, keys, buckets] = await Promise.all([
      this.#api.ec2("DescribeSubnets", { SubnetId: [textAt(instance, "subnetId")] }),
      this.#api.ec2("DescribeInstanceAttribute", { InstanceId: id, Attribute: "userData" }),
      keyName === ""
        ? undefined
        : this.#api.ec2("DescribeKeyPairs", { KeyName: [keyName], IncludePublicKey: true }),
      this.#api.s3("GET", "/"),
    ]);
    const image = imageOf(textAt(instance, "imageId"), this.#api.region);
    if (image === undefined) throw new Error(`the instance ${id} has an image that the lab does not know`);
    const publicKey = textAt(keys, "keySet.0.publicKey").trim();
    return {
      id,
      privateAddress: textAt(instance, "privateIpAddress"),
      hardwareAddress: textAt(instance, "networkInterfaceSet.0.macAddress"),
      subnet: textAt(subnets, "subnetSet.0.cidrBlock"),
      user: image.user,
      ...(publicKey !== "" && { publicKey }),
      userData: Buffer.from(textAt(data, "userData.value"), "base64"),
      names: this.#names([...buckets.body.matchAll(/<Name>([^<]+)<\/Name>/g)].map(([, name = ""]) => name)),
      authorityPem: this.#services.authorityPem,
    };
  }

  /** Where the names of AWS lead. There is no name server, so each bucket's name is told. */
  #names(buckets: readonly string[]): Record<string, string> {
    const { region } = this.#api;
    const storage = `s3.${region}.amazonaws.com`;
    const names = [
      `secretsmanager.${region}.amazonaws.com`,
      storage,
      ...buckets.map((bucket) => `${bucket}.${storage}`),
    ];
    return Object.fromEntries(names.map((name) => [name, this.#services.apiAddress]));
  }

  /** Puts rules and routes in force, where they are others than before. */
  async #guard(): Promise<void> {
    const { groups, addresses } = this.#guards;
    const elastic = new Map(
      listAt(addresses, "addressesSet").map((address) => [
        textAt(address, "instanceId"),
        textAt(address, "publicIp"),
      ]),
    );
    const guarded = [...this.#hosts].flatMap(([id, host]): Guarded[] => {
      const instance = this.#instances.get(id);
      if (!host.isOn || instance === undefined) return [];
      const madeUp = elastic.get(id) ?? textAt(instance, "ipAddress");
      const list = listAt(instance, "networkInterfaceSet.0.groupSet");
      return [
        {
          interface: host.interface,
          privateAddress: host.settings.privateAddress,
          ...(madeUp !== "" && { publicAddress: publicAddressOf(madeUp) }),
          groups: list.map((group) => textAt(group, "groupId")),
          gateway: gatewayOf(host.settings.subnet),
          metadataHops: Number(textAt(instance, "metadataOptions.httpPutResponseHopLimit") || 1),
        },
      ];
    });
    const balancers = this.balancers.balancers();
    const balancing = { balancers, deadTargets: this.balancers.deadTargets() };
    const rules = securityRules(guarded, listAt(groups, "securityGroupInfo"), "eth0", balancing);
    if (rules !== this.#rules) await this.#router.run("nft", ["-f", "-"], { input: rules });
    this.#rules = rules;
    const reached = [
      ...guarded.flatMap(({ publicAddress }) => publicAddress ?? []),
      ...balancers.map(({ address }) => address),
    ];
    const names = balancers.map(({ dnsName, address }) => `${address}\t${dnsName}\n`).join("");
    const routes = reached.map((address) => `route replace ${address}/32 via ${this.#router.address}\n`);
    const wanted = [...this.#stations].map(({ name }) => name).join() + routes.join("") + names;
    if (wanted === this.#routes) return;
    this.#routes = wanted;
    for (const station of this.#stations) {
      if (routes.length > 0) await station.run("ip", ["-batch", "-"], { input: routes.join("") });
      if (names !== "") await station.setNames(this.#api.region, names);
    }
  }

  async #detach(volumes: XmlValue): Promise<void> {
    const attached = attachmentsIn(volumes);
    for (const [id, { host, device, volume }] of this.#attachments) {
      if (attached.get(id)?.instanceId === host.settings.id && host.isOn) continue;
      await host.detach(id, device);
      await volume.close();
      this.#attachments.delete(id);
    }
  }

  async #attach(volumes: XmlValue): Promise<void> {
    for (const [id, { instanceId, device, gibibytes }] of attachmentsIn(volumes)) {
      await this.#attachments.get(id)?.volume.grow(gibibytes);
      const host = this.#hosts.get(instanceId);
      if (host === undefined || !host.isOn || this.#attachments.has(id)) continue;
      const file = join(this.#lab.directory, `${id}.volume`);
      const volume = await BlockVolume.open(file, gibibytes, this.#router);
      this.#attachments.set(id, { host, device, volume });
      await host.attach(id, device, volume);
    }
  }
}

/** Volumes besides the root's, which the host has in its own way. */
function attachmentsIn(
  volumes: XmlValue,
): Map<string, { instanceId: string; device: string; gibibytes: number }> {
  return new Map(
    listAt(volumes, "volumeSet").flatMap((volume) =>
      listAt(volume, "attachmentSet")
        .filter((one) => !/^\/dev\/(xvda|sda1)$/.test(textAt(one, "device")))
        .map((one) => [
          textAt(volume, "volumeId"),
          {
            instanceId: textAt(one, "instanceId"),
            device: textAt(one, "device"),
            gibibytes: Number(textAt(volume, "size")),
          },
        ]),
    ),
  );
}
