import { InvalidArgumentError } from "commander";

/** Reads an option such as `443,992,5555`. */
export function parsePortList(text: string): number[] {
  const ports = text.split(",").map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : 0));
  const wrong = ports.findIndex((port) => port < 1 || port > 65_535);
  if (wrong !== -1) {
    throw new InvalidArgumentError(
      "Ports are numbers between 1 and 65535 with commas between, as 443,992,5555.",
    );
  }
  return [...new Set(ports)];
}
