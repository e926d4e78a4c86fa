/** The parts of a certificate's subject that a revocation can name, by their names in the configuration. */
export const subjectParts = ["CommonName", "Organization", "Unit", "Country", "State", "Local"] as const;
export type SubjectPart = (typeof subjectParts)[number];

/**
 * Which certificates of users a hub does not take any more. All that is said has to fit; what is empty fits any certificate, so that
 * an entry which says nothing revokes all of them, as the official server has it.
 */
export interface RevokedCertificate {
  readonly subject: Readonly<Record<SubjectPart, string>>;
  readonly serial: Uint8Array;
  /** {@link digestBytes} of the certificate's MD5, or none. */
  readonly md5: Uint8Array;
  /** {@link digestBytes} of the certificate's SHA-1, or none. */
  readonly sha1: Uint8Array;
}

export const digestBytes = { md5: 16, sha1: 20 } as const;
