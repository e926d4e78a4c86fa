import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Namespace } from "../namespace.ts";
import type { AwsApi } from "./api/aws-api.ts";
import { listAt, textAt, type XmlValue } from "./api/xml.ts";
import { InstanceHost, type InstanceSettings } from "./instance.ts";
import { imageOf } from "./plugin/images.ts";
import { publicAddressOf } from "./plugin/public-address.ts";
import { securityRules, type Guarded } from "./security-rules.ts";
import { BlockVolume } from "./volume.ts";

/** A volume that a host sees. */
interface Attachment {
  readonly host: InstanceHost;
  readonly device: string;
  readonly volume: BlockVolume;
}

/**
 * One region of the lab's AWS: the hosts of its instances behind a router of their own.
 *
 *     operator, outsider, stations ── the lab's switch ── eth0 router ─┬─ i-… host
 *                                                                      └─ i-… host
 */
export class Region {
  readonly #api: AwsApi;
  readonly #lab: Lab;
  readonly #image: string;
  readonly #router: Namespace;
  readonly #stations: ReadonlySet<Namespace>;
  readonly #hosts = new Map<string, InstanceHost>();
  readonly #attachments = new Map<string, Attachment>();

  private constructor(
    api: AwsApi,
    lab: Lab,
    image: string,
    router: Namespace,
    stations: ReadonlySet<Namespace>,
  ) {
    this.#api = api;
    this.#lab = lab;
    this.#image = image;
    this.#router = router;
    this.#stations = stations;
  }

  /** @param stations who get routes to public addresses, also those that come later */
  static async create(
    api: AwsApi,
    lab: Lab,
    image: string,
    router: Namespace,
    stations: ReadonlySet<Namespace>,
  ): Promise<Region> {
    await router.run("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
    return new Region(api, lab, image, router, stations);
  }

  host(id: string): InstanceHost | undefined {
    return this.#hosts.get(id);
  }

  /** Makes hosts, cables, rules and volumes what AWS says that they are. */
  async follow(): Promise<void> {
    const [instances, volumes] = await Promise.all([this.#instances(), this.#api.ec2("DescribeVolumes")]);
    await this.#endHosts(instances);
    await this.#detach(volumes);
    await this.#guard(instances);
    await this.#startHosts(instances);
    await this.#guard(instances);
    await this.#attach(volumes);
  }

  async #instances(): Promise<Map<string, XmlValue>> {
    const answer = await this.#api.ec2("DescribeInstances");
    const instances = listAt(answer, "reservationSet").flatMap((one) => listAt(one, "instancesSet"));
    return new Map(instances.map((instance) => [textAt(instance, "instanceId"), instance]));
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
      if (host.isOn) continue;
      await host.switchOn();
    }
  }

  async #settingsOf(id: string, instance: XmlValue): Promise<InstanceSettings> {
    const keyName = textAt(instance, "keyName");
    const [subnets, data, keys] = await Promise.all([
      this.#api.ec2("DescribeSubnets", { SubnetId: [textAt(instance, "subnetId")] }),
      this.#api.ec2("DescribeInstanceAttribute", { InstanceId: id, Attribute: "userData" }),
      keyName === ""
        ? undefined
        : this.#api.ec2("DescribeKeyPairs", { KeyName: [keyName], IncludePublicKey: true }),
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
    };
  }

  async #guard(instances: ReadonlyMap<string, XmlValue>): Promise<void> {
    const [groups, addresses] = await Promise.all([
      this.#api.ec2("DescribeSecurityGroups"),
      this.#api.ec2("DescribeAddresses"),
    ]);
    const elastic = new Map(
      listAt(addresses, "addressesSet").map((address) => [
        textAt(address, "instanceId"),
        textAt(address, "publicIp"),
      ]),
    );
    const guarded = [...this.#hosts].flatMap(([id, host]): Guarded[] => {
      const instance = instances.get(id);
      if (!host.isOn || instance === undefined) return [];
      const madeUp = elastic.get(id) ?? textAt(instance, "ipAddress");
      const list = listAt(instance, "networkInterfaceSet.0.groupSet");
      return [
        {
          interface: host.interface,
          privateAddress: host.settings.privateAddress,
          ...(madeUp !== "" && { publicAddress: publicAddressOf(madeUp) }),
          groups: list.map((group) => textAt(group, "groupId")),
        },
      ];
    });
    const rules = securityRules(guarded, listAt(groups, "securityGroupInfo"), "eth0");
    await this.#router.run("nft", ["-f", "-"], { input: rules });
    const routes = guarded.flatMap(({ publicAddress }) =>
      publicAddress === undefined ? [] : [`route replace ${publicAddress}/32 via ${this.#router.address}\n`],
    );
    for (const station of routes.length === 0 ? [] : this.#stations) {
      await station.run("ip", ["-batch", "-"], { input: routes.join("") });
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
