import { MalformedJsonError, type Reader } from "./json-reader.ts";

/** The deployment that an installation belongs to. */
export interface Owner {
  /** Opaque, and the same for as long as the deployment exists, whatever it is called meanwhile. */
  readonly id: string;
  /** Label of what the deployment is a part of, such as `organization/vpnserver/prod`. */
  readonly stack: string;
  /** Label of the deployment within it, such as `fleet-paris`. */
  readonly name: string;
}

export const ownerLimits = { labelCharacters: 256 } as const;

/** Whether a text may be {@link Owner.id}. */
export function isOwnerId(text: string): boolean {
  return /^[A-Za-z0-9_-]{8,64}$/.test(text);
}

/** Whether a text may be one of an owner's labels. */
export function isOwnerLabel(text: string): boolean {
  return (
    text.trim() !== "" && text.length <= ownerLimits.labelCharacters && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)
  );
}

export function isOwner(value: unknown): value is Owner {
  if (typeof value !== "object" || value === null) return false;
  const { id, stack, name } = value as Partial<Record<keyof Owner, unknown>>;
  return (
    typeof id === "string" &&
    isOwnerId(id) &&
    [stack, name].every((label) => typeof label === "string" && isOwnerLabel(label))
  );
}

export const owner: Reader<Owner> = (value, path) => {
  if (!isOwner(value)) throw new MalformedJsonError(path, "a deployment with id, stack and name");
  const { id, stack, name } = value;
  return { id, stack, name };
};
