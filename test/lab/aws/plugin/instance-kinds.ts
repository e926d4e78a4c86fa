import { createHash } from "node:crypto";
import type { AwsApi } from "../api/aws-api.ts";
import { at, listAt, textAt } from "../api/xml.ts";
import { isUnknown, type Values } from "../types/type-check.ts";
import { imageOf, imagesIn } from "./images.ts";
import { accountId, liveInstance } from "./look-ups.ts";
import { textRefusals } from "./name-refusals.ts";
import { publicAddressOf } from "./public-address.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { firstOf, ifFound, isTrue, object, scalar, tagsIn, tagSpecification, text, texts } from "./values.ts";

const keyPair: ResourceKind = {
  carriesOut: ["keyName", "keyNamePrefix", "publicKey"],
  replaces: ["keyName", "keyNamePrefix", "publicKey"],
  autoNamed: "keyName",
  async refusals(inputs) {
    const rule = { most: 255, allowed: /^[\x20-\x7e]*$/ };
    return ["keyName", "keyNamePrefix"].flatMap((name) => textRefusals(name, text(inputs, name), rule));
  },
  async create(inputs, api) {
    const answer = await api.ec2("ImportKeyPair", {
      KeyName: text(inputs, "keyName"),
      PublicKeyMaterial: Buffer.from(text(inputs, "publicKey") ?? "").toString("base64"),
      TagSpecification: tagSpecification("key-pair", inputs),
    });
    return textAt(answer, "keyName");
  },
  async read(id, _, api) {
    const answer = await ifFound(api.ec2("DescribeKeyPairs", { KeyName: [id] }));
    const key = firstOf(answer, "keySet");
    return key === undefined
      ? undefined
      : {
          arn: `arn:aws:ec2:${api.region}:${accountId}:key-pair/${id}`,
          fingerprint: textAt(key, "keyFingerprint"),
          keyName: id,
          keyPairId: textAt(key, "keyPairId"),
          keyType: textAt(key, "keyType"),
          tags: tagsIn(key),
        };
  },
  async delete(id, _, api) {
    await api.ec2("DeleteKeyPair", { KeyName: id });
  },
};

const instance: ResourceKind = {
  carriesOut: [
    "ami",
    "associatePublicIpAddress",
    "availabilityZone",
    "disableApiTermination",
    "iamInstanceProfile",
    "instanceType",
    "keyName",
    "metadataOptions",
    "rootBlockDevice",
    "subnetId",
    "userData",
    "userDataBase64",
    "userDataReplaceOnChange",
    "volumeTags",
    "vpcSecurityGroupIds",
  ],
  replaces: ["ami", "associatePublicIpAddress", "availabilityZone", "keyName", "subnetId"],
  async refusals(inputs, api) {
    return [...imageRefusals(inputs, api.region), ...(await typeRefusals(inputs, api))];
  },
  replacesAlso: (property, inputs) =>
    /^userData(Base64)?$/.test(property) && inputs["userDataReplaceOnChange"] === true,
  async create(inputs, api) {
    const plain = text(inputs, "userData");
    const disk = object(inputs, "rootBlockDevice");
    const metadata = object(inputs, "metadataOptions");
    const profile = text(inputs, "iamInstanceProfile");
    const image = imageOf(text(inputs, "ami") ?? "", api.region);
    const answer = await api.ec2("RunInstances", {
      ImageId: text(inputs, "ami"),
      InstanceType: text(inputs, "instanceType"),
      MinCount: 1,
      MaxCount: 1,
      KeyName: text(inputs, "keyName"),
      SubnetId: text(inputs, "subnetId"),
      SecurityGroupId: texts(inputs, "vpcSecurityGroupIds"),
      UserData: plain === undefined ? text(inputs, "userDataBase64") : Buffer.from(plain).toString("base64"),
      DisableApiTermination: scalar(inputs, "disableApiTermination"),
      Placement: { AvailabilityZone: text(inputs, "availabilityZone") },
      ...(profile !== undefined && { IamInstanceProfile: { Name: profile } }),
      ...(metadata && {
        MetadataOptions: {
          HttpTokens: scalar(metadata, "httpTokens"),
          HttpEndpoint: scalar(metadata, "httpEndpoint"),
          HttpPutResponseHopLimit: scalar(metadata, "httpPutResponseHopLimit"),
        },
      }),
      ...(disk && {
        BlockDeviceMapping: [
          {
            DeviceName: image?.rootDeviceName,
            Ebs: {
              Encrypted: scalar(disk, "encrypted"),
              VolumeSize: scalar(disk, "volumeSize") ?? 8,
              VolumeType: scalar(disk, "volumeType"),
              DeleteOnTermination: scalar(disk, "deleteOnTermination") ?? true,
            },
          },
        ],
      }),
      TagSpecification: [
        ...tagSpecification("instance", inputs),
        ...tagSpecification("volume", inputs, "volumeTags"),
      ],
    });
    const id = textAt(answer, "instancesSet.0.instanceId");
    const tags = object(disk ?? {}, "tags");
    if (tags !== undefined) {
      const volume = textAt(await liveInstance(id, api), "blockDeviceMapping.0.ebs.volumeId");
      const list = Object.entries(tags).map(([key, value]) => ({ Key: key, Value: String(value) }));
      if (volume !== "") await api.ec2("CreateTags", { ResourceId: [volume], Tag: list });
    }
    return id;
  },
  async read(id, _, api) {
    const found = await liveInstance(id, api);
    if (found === undefined) return undefined;
    const groups = listAt(found, "networkInterfaceSet.0.groupSet").map((group) => textAt(group, "groupId"));
    return {
      ami: textAt(found, "imageId"),
      arn: `arn:aws:ec2:${api.region}:${accountId}:instance/${id}`,
      availabilityZone: textAt(found, "placement.availabilityZone"),
      instanceState: textAt(found, "instanceState.name"),
      instanceType: textAt(found, "instanceType"),
      keyName: textAt(found, "keyName"),
      primaryNetworkInterfaceId: textAt(found, "networkInterfaceSet.0.networkInterfaceId"),
      privateDns: textAt(found, "privateDnsName"),
      privateIp: textAt(found, "privateIpAddress"),
      publicIp: publicAddressOf(textAt(found, "ipAddress")),
      subnetId: textAt(found, "subnetId"),
      tags: tagsIn(found),
      vpcSecurityGroupIds: groups,
    };
  },
  async update(id, inputs, former, api) {
    const change = (parameters: Parameters<AwsApi["ec2"]>[1]) =>
      api.ec2("ModifyInstanceAttribute", { InstanceId: id, ...parameters });
    const changed = (name: string) => JSON.stringify(inputs[name]) !== JSON.stringify(former[name]);
    if (changed("disableApiTermination")) {
      await change({ DisableApiTermination: { Value: inputs["disableApiTermination"] === true } });
    }
    if (changed("vpcSecurityGroupIds")) await change({ GroupId: texts(inputs, "vpcSecurityGroupIds") });
    if (changed("instanceType") || changed("userData") || changed("userDataBase64")) {
      await api.ec2("StopInstances", { InstanceId: [id] });
      if (changed("instanceType")) await change({ InstanceType: { Value: text(inputs, "instanceType") } });
      if (changed("userData") || changed("userDataBase64")) {
        const plain = text(inputs, "userData");
        const data =
          plain === undefined ? text(inputs, "userDataBase64") : Buffer.from(plain).toString("base64");
        await change({ UserData: { Value: data ?? "" } });
      }
      await api.ec2("StartInstances", { InstanceId: [id] });
    }
    const metadata = object(inputs, "metadataOptions");
    if (changed("metadataOptions") && metadata !== undefined) {
      await api.ec2("ModifyInstanceMetadataOptions", {
        InstanceId: id,
        HttpTokens: scalar(metadata, "httpTokens"),
        HttpEndpoint: scalar(metadata, "httpEndpoint"),
        HttpPutResponseHopLimit: scalar(metadata, "httpPutResponseHopLimit"),
      });
    }
  },
  async delete(id, _, api) {
    if ((await liveInstance(id, api)) === undefined) return;
    await api.ec2("TerminateInstances", { InstanceId: [id] });
  },
};

export function imageRefusals(inputs: Values, region: string) {
  const ami = text(inputs, "ami");
  if (ami === undefined || isUnknown(ami) || imageOf(ami, region) !== undefined) return [];
  const known = imagesIn(region).map(({ id, name }) => `${id} (${name})`);
  const reason = `InvalidAMIID.NotFound: ${region} has no image "${ami}"; the lab has ${known.join(", ")}`;
  return [{ property: "ami", reason }];
}

export async function typeRefusals(inputs: Values, api: AwsApi) {
  const type = text(inputs, "instanceType");
  if (type === undefined || isUnknown(type)) return [];
  const image = imageOf(text(inputs, "ami") ?? "", api.region);
  const fail = (reason: string) => [{ property: "instanceType", reason }];
  let found;
  try {
    found = await api.ec2("DescribeInstanceTypes", { InstanceType: [type] });
  } catch (error) {
    return fail((error as Error).message);
  }
  const offered = listAt(found, "instanceTypeSet.0.processorInfo.supportedArchitectures").filter(
    (one) => typeof one === "string",
  );
  if (image === undefined || offered.includes(image.architecture)) return [];
  return fail(
    `the architecture "${offered.join(", ")}" of ${type} does not match "${image.architecture}" of ${image.id} (${image.name})`,
  );
}

const volume: ResourceKind = {
  carriesOut: ["availabilityZone", "size", "type", "encrypted"],
  replaces: ["availabilityZone", "encrypted"],
  async create(inputs, api) {
    const answer = await api.ec2("CreateVolume", {
      AvailabilityZone: text(inputs, "availabilityZone"),
      Size: scalar(inputs, "size"),
      VolumeType: text(inputs, "type"),
      Encrypted: scalar(inputs, "encrypted"),
      TagSpecification: tagSpecification("volume", inputs),
    });
    return textAt(answer, "volumeId");
  },
  async read(id, _, api) {
    const answer = await ifFound(api.ec2("DescribeVolumes", { VolumeId: [id] }));
    const found = firstOf(answer, "volumeSet");
    return found === undefined
      ? undefined
      : {
          arn: `arn:aws:ec2:${api.region}:${accountId}:volume/${id}`,
          availabilityZone: textAt(found, "availabilityZone"),
          encrypted: isTrue(found, "encrypted"),
          size: Number(textAt(found, "size")),
          tags: tagsIn(found),
          type: textAt(found, "volumeType"),
        };
  },
  async update(id, inputs, former, api) {
    if (inputs["size"] === former["size"] && inputs["type"] === former["type"]) return;
    await api.ec2("ModifyVolume", {
      VolumeId: id,
      Size: scalar(inputs, "size"),
      VolumeType: text(inputs, "type"),
    });
  },
  async delete(id, _, api) {
    await api.ec2("DeleteVolume", { VolumeId: id });
  },
};

const volumeAttachment: ResourceKind = {
  carriesOut: ["deviceName", "instanceId", "volumeId", "skipDestroy", "stopInstanceBeforeDetaching"],
  replaces: ["deviceName", "instanceId", "volumeId"],
  async create(inputs, api) {
    const [device, id, volumeId] = [
      text(inputs, "deviceName"),
      text(inputs, "instanceId"),
      text(inputs, "volumeId"),
    ];
    await detachFromDead(volumeId ?? "", api);
    await api.ec2("AttachVolume", { Device: device, InstanceId: id, VolumeId: volumeId });
    const digest = createHash("sha256").update(`${device}-${id}-${volumeId}`).digest("hex");
    return `vai-${digest.slice(0, 10)}`;
  },
  async read(_, inputs, api) {
    return (await isAttached(inputs, api)) ? {} : undefined;
  },
  async delete(_, inputs, api) {
    if (!(await isAttached(inputs, api)) || inputs["skipDestroy"] === true) return;
    const id = text(inputs, "instanceId");
    if (inputs["stopInstanceBeforeDetaching"] === true) {
      await api.ec2("StopInstances", { InstanceId: [id] });
    }
    await api.ec2("DetachVolume", {
      VolumeId: text(inputs, "volumeId"),
      InstanceId: id,
      Device: text(inputs, "deviceName"),
    });
  },
};

/** AWS detaches the volumes of an instance that is terminated; the server of the API forgets to. */
async function detachFromDead(volumeId: string, api: AwsApi): Promise<void> {
  const answer = await api.ec2("DescribeVolumes", { VolumeId: [volumeId] });
  for (const attachment of listAt(answer, "volumeSet.0.attachmentSet")) {
    const [id, device] = [textAt(attachment, "instanceId"), textAt(attachment, "device")];
    if ((await liveInstance(id, api)) !== undefined) continue;
    await api.ec2("DetachVolume", { VolumeId: volumeId, InstanceId: id, Device: device });
  }
}

/** A terminated instance holds no volume any more, whatever the server of the API remembers. */
async function isAttached(inputs: Values, api: AwsApi): Promise<boolean> {
  const id = text(inputs, "instanceId") ?? "";
  if ((await liveInstance(id, api)) === undefined) return false;
  const answer = await ifFound(api.ec2("DescribeVolumes", { VolumeId: [text(inputs, "volumeId")] }));
  const attachments = answer === undefined ? [] : listAt(answer, "volumeSet.0.attachmentSet");
  return attachments.some((attachment) => at(attachment, "instanceId") === id);
}

export const instanceKinds: Readonly<Record<string, ResourceKind>> = {
  "aws:ebs/volume:Volume": volume,
  "aws:ec2/instance:Instance": instance,
  "aws:ec2/keyPair:KeyPair": keyPair,
  "aws:ec2/volumeAttachment:VolumeAttachment": volumeAttachment,
};
