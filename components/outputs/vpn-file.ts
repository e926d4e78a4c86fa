import { createPrivateKey, X509Certificate } from "node:crypto";
import { hashPassword } from "../../server/wire/sha0.ts";

/** A connection setting of the SoftEther VPN Client, called "account" there. */
export interface VpnAccount {
  /** What the client calls it. */
  readonly name: string;
  /** Host name or address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly hub: string;
  readonly user: string;
  readonly proof: VpnProof;
  /** PEM. The client takes no other server. */
  readonly serverCertificate: string;
}

/** How the user proves who it is. The client imports no certificate without its key. */
export type VpnProof =
  | { readonly type: "anonymous" }
  | { readonly type: "password"; readonly password: string }
  /** PEM. */
  | { readonly type: "certificate"; readonly certificate: string; readonly privateKey: string };

/** Name of the client's network card: the first one on Windows, `vpncmd NicCreate VPN` elsewhere. No matter the case. */
const networkCard = "VPN";
/** The client tries for ever. */
const endlessRetries = 0xffff_ffff;
const retryIntervalSeconds = 15;

/**
 * The text of a `.vpn` file, which `vpncmd AccountImport` and the client's windows import: the text format of SoftEther's
 * configuration files. The client writes a byte order mark and CRLF, and needs neither.
 *
 * It holds the user's secret: of a password the hash that the protocol proves it by, which is worth the password itself.
 *
 * Source: files that vpncmd 5.01.9674 `AccountExport` wrote; `Cedar/Client.c` CiLoadClientAccount.
 */
export function vpnFile(account: VpnAccount): string {
  const { name, host, port, hub, user, proof, serverCertificate } = account;
  const lines = [
    "# VPN connection setting. It holds credentials: keep it to yourself.",
    "# Import it, from its own folder, with: vpncmd localhost /CLIENT /CMD AccountImport FILE",
    "",
    ...folder("root", [
      "bool CheckServerCert true",
      "bool RetryOnServerCert false",
      `byte ServerCert ${der(serverCertificate).toString("base64")}`,
      "bool StartupAccount false",
      "",
      ...folder("ClientAuth", [...proofItems(proof, user), `string Username ${escape(user)}`]),
      ...folder("ClientOption", [
        `string AccountName ${escape(name)}`,
        "uint AdditionalConnectionInterval 1",
        "uint ConnectionDisconnectSpan 0",
        `string DeviceName ${networkCard}`,
        "bool DisableQoS false",
        "bool HalfConnection false",
        "bool HideNicInfoWindow false",
        "bool HideStatusWindow false",
        `string Hostname ${escape(host)}`,
        `string HubName ${escape(hub)}`,
        "uint MaxConnection 1",
        "bool NoRoutingTracking false",
        "bool NoUdpAcceleration false",
        `uint NumRetry ${endlessRetries}`,
        `uint Port ${port}`,
        "uint PortUDP 0",
        "uint ProxyType 0",
        "bool RequireBridgeRoutingMode false",
        "bool RequireMonitorMode false",
        `uint RetryInterval ${retryIntervalSeconds}`,
        "bool UseCompress false",
        "bool UseEncrypt true",
      ]),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** `AuthType` is CLIENT_AUTHTYPE_* of `Cedar/Account.h`. */
function proofItems(proof: VpnProof, user: string): string[] {
  switch (proof.type) {
    case "anonymous":
      return ["uint AuthType 0"];
    case "password":
      return [
        "uint AuthType 1",
        `byte HashedPassword ${hashPassword(proof.password, user).toString("base64")}`,
      ];
    case "certificate":
      return [
        "uint AuthType 3",
        `byte ClientCert ${der(proof.certificate).toString("base64")}`,
        `byte ClientKey ${rsaKey(proof.privateKey).toString("base64")}`,
      ];
  }
}

function folder(name: string, content: readonly string[]): string[] {
  return [`declare ${name}`, "{", ...content.map((line) => (line === "" ? "" : `\t${line}`)), "}"];
}

/** Control bytes, space and `$` are `$` and two hexadecimal digits; an empty text is `$` alone. */
function escape(text: string): string {
  if (text === "") return "$";
  // eslint-disable-next-line no-control-regex -- control bytes are what it looks for
  return text.replace(/[\u0000-\u0020$\u007F]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase();
    return `$${code.padStart(2, "0")}`;
  });
}

function der(certificate: string): Buffer {
  return new X509Certificate(certificate).raw;
}

/** PKCS #1, as the client writes it. */
function rsaKey(pem: string): Buffer {
  return createPrivateKey(pem).export({ type: "pkcs1", format: "der" });
}
