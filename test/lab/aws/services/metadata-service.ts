import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RoleCredentials } from "./role-credentials.ts";

/** What an instance is told of itself. */
export interface Metadata {
  readonly instanceId: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly privateAddress: string;
  readonly imageId: string;
  readonly instanceType: string;
  /** Of the instance profile's role. */
  readonly role?: string;
  readonly enabled: boolean;
  /** Whether an instance has to show a token (IMDSv2). */
  readonly tokens: "required" | "optional";
}

const maxTokenSeconds = 21_600;
const maxTokens = 1000;
const tokenHeader = "x-aws-ec2-metadata-token";

/** The metadata service of instances, as at 169.254.169.254. Who asks is known by the address that he asks from. */
export class MetadataService {
  readonly #server: Server;
  readonly #look: (address: string) => Promise<Metadata | undefined>;
  readonly #credentials: RoleCredentials;
  /** By token: whose it is, and until when. */
  readonly #tokens = new Map<string, { readonly address: string; readonly until: number }>();
  readonly #addresses = new WeakMap<Socket, string>();

  constructor(look: (address: string) => Promise<Metadata | undefined>, credentials: RoleCredentials) {
    this.#look = look;
    this.#credentials = credentials;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  accept(connection: Socket, from: string): void {
    this.#addresses.set(connection, from);
    this.#server.emit("connection", connection);
    connection.resume();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = this.#addresses.get(request.socket) ?? "";
    const metadata = await this.#look(address);
    const { method, url = "", headers } = request;
    const end = (status: number, text = ""): void => {
      response.writeHead(status, { "content-type": "text/plain" }).end(text);
    };
    if (metadata === undefined) return end(404);
    if (!metadata.enabled) return end(403);
    if (url === "/latest/api/token") {
      // A proxy that passes on what others ask for gets none.
      if (method !== "PUT") return end(405);
      if (headers["x-forwarded-for"] !== undefined) return end(403);
      const seconds = Number(headers[`${tokenHeader}-ttl-seconds`]);
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > maxTokenSeconds) return end(400);
      return end(200, this.#makeToken(address, seconds));
    }
    if (method !== "GET") return end(405);
    if (!this.#allows(headers[tokenHeader], address, metadata)) return end(401);
    const found = this.#find(url.replace(/^\/latest/, ""), metadata);
    return found === undefined ? end(404) : end(200, found);
  }

  #makeToken(address: string, seconds: number): string {
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size >= maxTokens && oldest !== undefined) this.#tokens.delete(oldest);
    const token = randomBytes(40).toString("base64url");
    this.#tokens.set(token, { address, until: Date.now() + seconds * 1000 });
    return token;
  }

  #allows(token: string | string[] | undefined, address: string, { tokens }: Metadata): boolean {
    if (token === undefined) return tokens === "optional";
    const known = this.#tokens.get(String(token));
    return known !== undefined && known.address === address && Date.now() < known.until;
  }

  #find(path: string, metadata: Metadata): string | undefined {
    const { instanceId, region, availabilityZone, role } = metadata;
    const texts: Readonly<Record<string, string>> = {
      "/meta-data/instance-id": instanceId,
      "/meta-data/instance-type": metadata.instanceType,
      "/meta-data/ami-id": metadata.imageId,
      "/meta-data/local-ipv4": metadata.privateAddress,
      "/meta-data/placement/region": region,
      "/meta-data/placement/availability-zone": availabilityZone,
      "/meta-data/services/domain": "amazonaws.com",
      "/meta-data/services/partition": "aws",
    };
    if (Object.hasOwn(texts, path)) return texts[path];
    const roles = "/meta-data/iam/security-credentials/";
    if (role === undefined || !path.startsWith(roles.slice(0, -1))) return undefined;
    if (roles.startsWith(path)) return role;
    if (path !== roles + role) return undefined;
    const { accessKeyId, secretAccessKey, token, expiration } = this.#credentials.of(instanceId, role);
    return JSON.stringify({
      Code: "Success",
      LastUpdated: new Date().toISOString(),
      Type: "AWS-HMAC",
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: token,
      Expiration: expiration.toISOString(),
    });
  }
}
