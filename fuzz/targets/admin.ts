import { rpcs } from "../../server/admin/definitions.ts";
import { messageFromJson, messageToJson, isJsonObject } from "../../server/admin/json-messages.ts";
import { decodeMessage, encodeMessage } from "../../server/admin/pack-messages.ts";
import { RpcError } from "../../server/admin/rpc.ts";
import { readCertificate } from "../../server/access/certificate-login.ts";
import { checkIdentity } from "../../server/identity/identity-check.ts";
import { decodePack, encodePack, Pack } from "../../server/wire/pack.ts";
import { DecodeError } from "../../server/wire/decode-error.ts";
import { rpcPackLimits } from "../../server/limits.ts";
import type { FuzzTarget } from "../fuzzer.ts";
import { jsonOf, unless } from "./files.ts";

const methods = Object.values(rpcs).map(({ fields }) => fields);

export const jsonRpc: FuzzTarget = {
  about: "requests of the administration in JSON, as each method reads them",
  mostBytes: 4_096,
  seeds: () =>
    methods.map((fields) => Buffer.from(JSON.stringify(messageToJson(fields, messageFromJson(fields, {}))))),
  run: (input) => {
    const json = jsonOf(input);
    if (!isJsonObject(json)) return;
    for (const fields of methods) {
      const message = unless([RpcError], () => messageFromJson(fields, json as never));
      if (message !== undefined) messageToJson(fields, message);
    }
  },
};

export const packRpc: FuzzTarget = {
  about: "requests of the administration in PACK, as each method reads them",
  mostBytes: 4_096,
  seeds: () =>
    methods.map((fields) =>
      encodePack(
        encodeMessage(new Pack().addStr("function_name", "Test"), fields, decodeMessage(new Pack(), fields)),
      ),
    ),
  run: (input) => {
    const pack = unless([DecodeError], () => decodePack(input, rpcPackLimits));
    if (pack === undefined) return;
    for (const fields of methods) unless([RpcError, DecodeError], () => decodeMessage(pack, fields));
  },
};

/** Signed by itself, made for this alone; nobody has its key. */
const certificatePem = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUTtpQc/9WcRJ+fIPoClS+Evkvdg8wCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyODAwMDg0OFoYDzIxMjYxMTA0MDAw
ODQ4WjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARwdjtp9URsaeUPOfRhXKNHqETD6uGTXH/MdzSyPl62DCiGH8HZ1yBowz8uBRfH
k0vS196v7BSKYmb1gnve67jyo1MwUTAdBgNVHQ4EFgQUdITTrddII6L2tMdAMj4f
B5iv8LwwHwYDVR0jBBgwFoAUdITTrddII6L2tMdAMj4fB5iv8LwwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAyQNd+lj692q5jswXgNFaor8TsVyO
o5PliKG+g3UmolACIFMAVvbgmQX6AfnOUagmoJCdXs7K2ofk8zHN1KQTWq6i
-----END CERTIFICATE-----
`;

export const certificate: FuzzTarget = {
  about: "certificates of clients and of the server: DER and PEM",
  seeds: () => [
    Buffer.from(certificatePem),
    Buffer.from(certificatePem.replaceAll(/-----.*-----|\n/g, ""), "base64"),
  ],
  run: (input) => {
    readCertificate(input);
    const text = input.toString("latin1");
    checkIdentity({ certificatePem: text, keyPem: text });
  },
};
