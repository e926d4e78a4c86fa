import { randomBytes } from "node:crypto";

/** What an instance proves itself with as its role. */
export interface Credentials {
  readonly role: string;
  readonly instanceId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly token: string;
  readonly expiration: Date;
}

const lifetimeMs = 6 * 3_600_000;

/** The credentials that instances were given. */
export class RoleCredentials {
  readonly #byKey = new Map<string, Credentials>();
  readonly #byInstance = new Map<string, Credentials>();

  /** The same ones whenever the instance asks. */
  of(instanceId: string, role: string): Credentials {
    const known = this.#byInstance.get(`${instanceId}/${role}`);
    if (known !== undefined) return known;
    const made = {
      role,
      instanceId,
      accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString("base64"),
      token: randomBytes(300).toString("base64"),
      expiration: new Date(Date.now() + lifetimeMs),
    };
    this.#byInstance.set(`${instanceId}/${role}`, made);
    this.#byKey.set(made.accessKeyId, made);
    return made;
  }

  withKey(accessKeyId: string): Credentials | undefined {
    return this.#byKey.get(accessKeyId);
  }
}
