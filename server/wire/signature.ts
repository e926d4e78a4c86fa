import { signatureLimits } from "../limits.ts";
import { encodeHttpMessage } from "./http-message.ts";

/** Target of a VPN client's first request. */
export const signatureTarget = "/vpnsvc/connect.cgi";

const shortSignature = Buffer.from("VPNCONNECT", "latin1");
const imageSignature = Buffer.from("GIF89a", "latin1");

/** Whether a body of this length can be a signature: the short text, or the image with its random tail. */
export function isSignatureLength(length: number): boolean {
  const { imageBytes, randomBytes } = signatureLimits;
  return length === shortSignature.length || (length >= imageBytes && length <= imageBytes + randomBytes);
}

/**
 * Whether a body marks the peer as a VPN client. Of the image, which is the same in all official clients, the start
 * suffices: the signature protects nothing, it only tells VPN clients from browsers.
 *
 * Source: `Cedar/Protocol.c` ServerDownloadSignature.
 */
export function isSignature(body: Uint8Array): boolean {
  if (!isSignatureLength(body.length)) return false;
  return body.length === shortSignature.length
    ? shortSignature.equals(body)
    : imageSignature.equals(body.subarray(0, imageSignature.length));
}

/** Encodes a client's first request, with the short signature that servers of every version accept. */
export function encodeSignatureRequest(host: string): Buffer {
  return encodeHttpMessage(
    `POST ${signatureTarget} HTTP/1.1`,
    [
      ["Host", host],
      ["Content-Type", "image/jpeg"],
      ["Connection", "Keep-Alive"],
    ],
    shortSignature,
  );
}
