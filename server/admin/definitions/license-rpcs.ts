import { bool, list, str, time, u32, u64, utf } from "../fields.ts";
import { rpc } from "../rpc.ts";

const licenseKeyFields = { IntValue: u32, Int64Value: u64, StrValue: str, UniStrValue: utf } as const;

const enumLicenseKeyFields = {
  NumItem: u32,
  LicenseKeyList: list({
    Id: u32,
    LicenseKey: str,
    LicenseId: str,
    LicenseName: str,
    Expires: time,
    Status: u32,
    ProductId: u32,
    SystemId: u64,
    SerialId: u32,
  }),
} as const;

const licenseStatusFields = {
  EditionId: u32,
  EditionStr: str,
  SystemId: u64,
  SystemExpires: time,
  NumClientConnectLicense: u32,
  NumBridgeConnectLicense: u32,
  NeedSubscription: bool,
  AllowEnterpriseFunction: bool,
  SubscriptionExpires: time,
  IsSubscriptionExpired: bool,
  NumUserCreationLicense: u32,
  ReleaseDate: time,
} as const;

/** License. */
export const licenseRpcs = {
  AddLicenseKey: rpc({
    summary: "Adds a license key.",
    right: "any",
    errors: ["notSupported"],
    fields: licenseKeyFields,
  }),
  DelLicenseKey: rpc({
    summary: "Deletes a license key.",
    right: "any",
    errors: ["notSupported"],
    fields: licenseKeyFields,
  }),
  EnumLicenseKey: rpc({
    summary: "Lists the license keys.",
    right: "any",
    errors: ["notSupported"],
    fields: enumLicenseKeyFields,
  }),
  GetLicenseStatus: rpc({
    summary: "Tells what the licenses allow.",
    right: "any",
    errors: ["notSupported"],
    fields: licenseStatusFields,
  }),
};
