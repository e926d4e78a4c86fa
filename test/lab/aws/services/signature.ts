import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Credentials } from "./role-credentials.ts";

/** A request as it came. */
export interface SignedRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Who signed, by AWS's words for what is wrong with a signature. */
export type Signer =
  | { readonly credentials: Credentials; readonly service: string; readonly region: string }
  | { readonly problem: string };

const maxSkewMs = 5 * 60_000;

/** Checks a signature of version 4 (Signature Version 4 of AWS, `AWS4-HMAC-SHA256` in the header `Authorization`). */
export function signerOf(
  request: SignedRequest,
  find: (accessKeyId: string) => Credentials | undefined,
  now = Date.now(),
): Signer {
  const { headers } = request;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  if (parts === null) return { problem: "MissingAuthenticationToken" };
  const [, key = "", day = "", region = "", service = "", names = "", signature = ""] = parts;
  const credentials = find(key);
  if (credentials === undefined) return { problem: "InvalidClientTokenId" };
  if (headers["x-amz-security-token"] !== credentials.token) return { problem: "InvalidClientTokenId" };
  const time = String(headers["x-amz-date"] ?? "");
  const signedAt = Date.parse(
    time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (!time.startsWith(day) || !(Math.abs(now - signedAt) < maxSkewMs)) return { problem: "RequestExpired" };
  if (now > credentials.expiration.getTime()) return { problem: "ExpiredToken" };
  const signed = names.split(";");
  if (!signed.includes("host") || !signed.includes("x-amz-date")) return { problem: "SignatureDoesNotMatch" };
  const bodyHash = createHash("sha256").update(request.body).digest("hex");
  const said = headers["x-amz-content-sha256"] ?? bodyHash;
  if (said !== bodyHash && said !== "UNSIGNED-PAYLOAD") return { problem: "XAmzContentSHA256Mismatch" };
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical(request, signed, String(said)))].join("\n");
  const signingKey = [day, region, service, "aws4_request"].reduce<Buffer | string>(
    (chain, part) => createHmac("sha256", chain).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`,
  );
  const expected = createHmac("sha256", signingKey).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex"))) return { problem: "SignatureDoesNotMatch" };
  return { credentials, service, region };
}

function canonical({ method, url, headers }: SignedRequest, signed: readonly string[], hash: string): string {
  const [path = "/", query = ""] = url.split("?", 2);
  const sorted = query.split("&").filter(Boolean).sort();
  const parameters = sorted.map((part) => (part.includes("=") ? part : `${part}=`));
  const lines = signed.map((name) => {
    const value = String(headers[name] ?? "");
    return `${name}:${value.trim().replace(/ +/g, " ")}\n`;
  });
  return [method, path, parameters.join("&"), lines.join(""), signed.join(";"), hash].join("\n");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
