import type { ProtocolError } from "../wire/protocol-error.ts";
import type { LoginCertificate } from "./certificate-login.ts";

/**
 * How somebody proves who it is. A protocol whose clients answer a challenge hands over what judges the answer, so that nothing in
 * this folder knows how such an answer is made.
 */
export type Proof =
  | { readonly type: "anonymous" }
  | {
      readonly type: "password";
      /** Whether the client knows the password behind a stored key (20 bytes). */
      readonly answers: (hashedKey: Uint8Array) => boolean;
    }
  | { readonly type: "plain-password"; readonly password: string }
  | {
      readonly type: "certificate";
      /** X.509 certificate (DER). */
      readonly certificate: Uint8Array;
      /** Whether the client showed that it has the private key. */
      readonly isOwned: (certificate: LoginCertificate) => boolean;
    }
  /** One that this server does not take: what the client is told, and why. */
  | { readonly type: "not taken"; readonly error: ProtocolError; readonly reason: string };
