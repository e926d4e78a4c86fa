import { isIP } from "node:net";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Whether a page of another site had a browser send this request. A browser that knows the password sends it along with what any page
 * asks for, and says where that page is from: `Sec-Fetch-Site` since 2023 at the latest, and `Origin` with each POST. Programs send
 * neither.
 */
export function isCrossSite(headers: Headers): boolean {
  const site = headers["sec-fetch-site"];
  // `none` is what people themselves opened; `same-site` is another server of the same domain.
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  const { origin, host } = headers;
  return origin !== undefined && (typeof host !== "string" || origin !== `https://${host}`);
}

/** Whether a browser sent it. */
export function isOfBrowser(headers: Headers): boolean {
  return headers["origin"] !== undefined || headers["sec-fetch-site"] !== undefined;
}

/**
 * Whether the request names the server by an address, or as the own host. A page can have its own name lead to another address, that of
 * this host included, and is then of the same origin; an address it cannot make its own.
 */
export function namesAddress({ host }: Headers): boolean {
  if (typeof host !== "string") return false;
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(name) !== 0 || name.toLowerCase() === "localhost";
}

/**
 * Whether a body may be a call that changes something: JSON, or what programs send that say nothing of it, as `curl --data` does. Of
 * the three types that a page may send without having asked, JSON is none.
 */
export function mayCarryChange(headers: Headers): boolean {
  const type = headers["content-type"];
  if (type === undefined) return !isOfBrowser(headers);
  if (typeof type !== "string") return false;
  const essence = (type.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (essence === "application/json" || essence === "application/json-rpc") return true;
  return essence === "application/x-www-form-urlencoded" && !isOfBrowser(headers);
}
