import { bool, secret, str, u32, u64, utf } from "../fields.ts";
import { rpc } from "../rpc.ts";

const dDnsClientStatusFields = {
  Err_IPv4: u32,
  Err_IPv6: u32,
  CurrentHostName: str,
  CurrentFqdn: str,
  DnsSuffix: str,
  CurrentIPv4: str,
  CurrentIPv6: str,
  ErrStr_IPv4: utf,
  ErrStr_IPv6: utf,
} as const;

const changeDDnsClientHostnameFields = {
  IntValue: u32,
  Int64Value: u64,
  StrValue: str,
  UniStrValue: utf,
} as const;

const dDnsInternetSettingFields = {
  ProxyType: u32,
  ProxyHostName: str,
  ProxyPort: u32,
  ProxyUsername: str,
  ProxyPassword: secret(str),
  CustomHttpHeader: str,
} as const;

const azureStatusFields = { IsConnected: bool, IsEnabled: bool } as const;

/** DDNS, Azure. */
export const ddnsRpcs = {
  GetDDnsClientStatus: rpc({
    summary: "Tells the state of the dynamic DNS function.",
    right: "server",
    errors: ["notSupported"],
    fields: dDnsClientStatusFields,
  }),
  ChangeDDnsClientHostname: rpc({
    summary: "Changes the name of the dynamic DNS function.",
    right: "server",
    errors: ["notSupported"],
    fields: changeDDnsClientHostnameFields,
  }),
  GetDDnsInternetSetting: rpc({
    summary: "Tells by which proxy the dynamic DNS function connects.",
    right: "server",
    errors: ["notSupported"],
    fields: dDnsInternetSettingFields,
  }),
  SetDDnsInternetSetting: rpc({
    summary: "Sets by which proxy the dynamic DNS function connects.",
    right: "server",
    errors: ["notSupported"],
    fields: dDnsInternetSettingFields,
  }),
  GetAzureStatus: rpc({
    summary: "Tells the state of the VPN Azure function.",
    right: "server",
    errors: ["notSupported"],
    fields: azureStatusFields,
  }),
  SetAzureStatus: rpc({
    summary: "Enables or disables the VPN Azure function.",
    right: "server",
    errors: ["notSupported"],
    fields: azureStatusFields,
  }),
};
