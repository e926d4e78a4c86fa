const mostNameBytes = 255;
const mostLabelBytes = 63;

/** A domain name as labels behind their lengths (RFC 1035, section 3.1); undefined for none, and for one that cannot be written so. */
export function encodeDomainName(name: string): Buffer | undefined {
  const labels = name.replace(/\.$/, "").split(".");
  const encoded = labels.map((label) => Buffer.from(label, "latin1"));
  if (encoded.some(({ length }) => length === 0 || length > mostLabelBytes)) return undefined;
  const whole = Buffer.concat([
    ...encoded.flatMap((label) => [Buffer.of(label.length), label]),
    Buffer.of(0),
  ]);
  return whole.length > mostNameBytes ? undefined : whole;
}
