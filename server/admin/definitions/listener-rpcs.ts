import { bin, bool, list, secret, str, u32, u64, utf, values } from "../fields.ts";
import { rpc } from "../rpc.ts";

const listenerFields = { Port: u32, Enable: bool } as const;

const enumListenerFields = { ListenerList: list({ Ports: u32, Enables: bool, Errors: bool }) } as const;

const deleteListenerFields = { Port: u32, Enable: bool } as const;

const portsUDPFields = { Ports: values(u32) } as const;

const protoOptionsFields = {
  Protocol: str,
  Name: values(str),
  Type: values(u32),
  Value: values(bin),
} as const;

const openVpnSstpConfigFields = { EnableOpenVPN: bool, EnableSSTP: bool } as const;

const specialListenerFields = { VpnOverIcmpListener: bool, VpnOverDnsListener: bool } as const;

const iPsecServicesFields = {
  L2TP_Raw: bool,
  L2TP_IPsec: bool,
  EtherIP_IPsec: bool,
  IPsec_Secret: secret(str),
  L2TP_DefaultHub: str,
} as const;

const etherIpIdFields = { Id: str, HubName: str, UserName: str, Password: secret(str) } as const;

const enumEtherIpIdFields = {
  NumItem: u32,
  Settings: list({ Id: str, HubName: str, UserName: str, Password: secret(str) }),
} as const;

const wgkFields = { Key: values(str), Hub: values(str), User: values(str) } as const;

const openVpnConfigFileFields = { FilePath: str, ServerName: str, Offset: u32, Buffer: bin } as const;

const serverCertFields = { Cert: bin, Chain: values(bin), Key: secret(bin), Flag1: u32 } as const;

const regenerateServerCertFields = {
  IntValue: u32,
  Int64Value: u64,
  StrValue: str,
  UniStrValue: utf,
} as const;

const serverCipherListFields = { String: str } as const;

/** Listeners, protocols, TLS. */
export const listenerRpcs = {
  CreateListener: rpc({
    summary: "Opens a listener on a TCP port.",
    right: "server",
    errors: ["invalidParameter", "listenerExists"],
    fields: listenerFields,
  }),
  EnumListener: rpc({
    summary: "Lists the listeners with their states.",
    right: "any",
    errors: [],
    fields: enumListenerFields,
  }),
  DeleteListener: rpc({
    summary: "Closes a listener and forgets it.",
    right: "server",
    errors: ["listenerNotFound"],
    fields: deleteListenerFields,
  }),
  EnableListener: rpc({
    summary: "Opens or closes a listener.",
    right: "server",
    errors: ["listenerNotFound"],
    fields: deleteListenerFields,
  }),
  SetPortsUDP: rpc({
    summary: "Sets the UDP ports.",
    right: "server",
    errors: ["invalidParameter"],
    fields: portsUDPFields,
  }),
  GetPortsUDP: rpc({
    summary: "Lists the UDP ports.",
    right: "any",
    errors: [],
    fields: portsUDPFields,
  }),
  SetProtoOptions: rpc({
    summary: "Sets the options of another VPN protocol.",
    right: "server",
    errors: ["internal", "notSupported", "invalidParameter"],
    fields: protoOptionsFields,
  }),
  GetProtoOptions: rpc({
    summary: "Tells the options of another VPN protocol.",
    right: "server",
    errors: ["internal", "notSupported", "invalidParameter"],
    fields: protoOptionsFields,
  }),
  SetOpenVpnSstpConfig: rpc({
    summary: "Enables or disables OpenVPN and SSTP.",
    right: "server",
    errors: ["notFound", "notSupported", "invalidParameter"],
    fields: openVpnSstpConfigFields,
  }),
  GetOpenVpnSstpConfig: rpc({
    summary: "Tells whether OpenVPN and SSTP are enabled.",
    right: "any",
    errors: ["notSupported"],
    fields: openVpnSstpConfigFields,
  }),
  SetSpecialListener: rpc({
    summary: "Enables or disables VPN over ICMP and over DNS.",
    right: "server",
    errors: ["icmpListenerNotOpened", "dnsListenerNotOpened"],
    fields: specialListenerFields,
  }),
  GetSpecialListener: rpc({
    summary: "Tells whether VPN over ICMP and over DNS is enabled.",
    right: "server",
    errors: [],
    fields: specialListenerFields,
  }),
  SetIPsecServices: rpc({
    summary: "Sets the IPsec services.",
    right: "server",
    errors: ["notSupported"],
    fields: iPsecServicesFields,
  }),
  GetIPsecServices: rpc({
    summary: "Tells the IPsec services.",
    right: "server",
    errors: ["notSupported"],
    fields: iPsecServicesFields,
  }),
  AddEtherIpId: rpc({
    summary: "Adds a device that connects by EtherIP over IPsec.",
    right: "server",
    errors: ["notSupported"],
    fields: etherIpIdFields,
  }),
  GetEtherIpId: rpc({
    summary: "Tells a device that connects by EtherIP over IPsec.",
    right: "server",
    errors: ["notFound", "notSupported"],
    fields: etherIpIdFields,
  }),
  DeleteEtherIpId: rpc({
    summary: "Deletes a device that connects by EtherIP over IPsec.",
    right: "server",
    errors: ["notFound", "notSupported"],
    fields: etherIpIdFields,
  }),
  EnumEtherIpId: rpc({
    summary: "Lists the devices that connect by EtherIP over IPsec.",
    right: "server",
    errors: ["notSupported"],
    fields: enumEtherIpIdFields,
  }),
  AddWgk: rpc({
    summary: "Adds WireGuard keys.",
    right: "server",
    errors: ["invalidParameter", "exists"],
    fields: wgkFields,
  }),
  DeleteWgk: rpc({
    summary: "Deletes WireGuard keys.",
    right: "server",
    errors: ["notFound"],
    fields: wgkFields,
  }),
  EnumWgk: rpc({
    summary: "Lists the WireGuard keys.",
    right: "server",
    errors: [],
    fields: wgkFields,
  }),
  MakeOpenVpnConfigFile: rpc({
    summary: "Makes a sample of an OpenVPN configuration file.",
    right: "server",
    errors: ["internal", "notSupported", "openVpnNotEnabled"],
    fields: openVpnConfigFileFields,
  }),
  SetServerCert: rpc({
    summary: "Sets the server's certificate, its chain and private key.",
    right: "server",
    errors: ["protocol", "invalidParameter", "certificateNotRsa"],
    fields: serverCertFields,
  }),
  GetServerCert: rpc({
    summary: "Gives the server's certificate, and to its administrator the private key.",
    right: "any",
    errors: [],
    fields: serverCertFields,
  }),
  RegenerateServerCert: rpc({
    summary: "Makes a new self-signed certificate.",
    right: "server",
    errors: [],
    fields: regenerateServerCertFields,
  }),
  GetServerCipherList: rpc({
    summary: "Lists the TLS ciphers that can be chosen.",
    right: "any",
    errors: [],
    fields: serverCipherListFields,
  }),
  GetServerCipher: rpc({
    summary: "Tells the TLS cipher that was chosen.",
    right: "any",
    errors: [],
    fields: serverCipherListFields,
  }),
  SetServerCipher: rpc({
    summary: "Chooses the TLS cipher.",
    right: "server",
    errors: ["invalidParameter"],
    fields: serverCipherListFields,
  }),
};
