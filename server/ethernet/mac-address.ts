export const macBytes = 6;

/** The bytes of a MAC address with `-`, `:` or nothing between them; undefined for any other text. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([-:]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text.replace(/[-:]/g, ""), "hex"));
}

export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("-")
    .toUpperCase();
}
