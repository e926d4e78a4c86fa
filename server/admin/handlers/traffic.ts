import type { Traffic } from "../../hub/statistics.ts";

type CountNames = "BroadcastBytes" | "BroadcastCount" | "UnicastBytes" | "UnicastCount";
type TrafficValues<Prefix extends string> = Record<`${Prefix}${"Recv" | "Send"}.${CountNames}`, number>;

/** Fields of a message with a prefix: their names, which are put together once, since lists have thousands of items with all of them. */
function fieldsWith<Prefix extends string>(prefix: Prefix) {
  const ways = [
    ["Recv", "received"],
    ["Send", "sent"],
  ] as const;
  const counts = [
    ["BroadcastBytes", "broadcastBytes"],
    ["BroadcastCount", "broadcastCount"],
    ["UnicastBytes", "unicastBytes"],
    ["UnicastCount", "unicastCount"],
  ] as const;
  const fields = ways.flatMap(([word, way]) =>
    counts.map(([label, count]) => ({ name: `${prefix}${word}.${label}` as const, way, count })),
  );
  return (traffic: readonly Traffic[]): TrafficValues<Prefix> => {
    const values: Partial<Record<string, number>> = {};
    for (const { name, way, count } of fields) {
      let sum = 0;
      for (const each of traffic) sum += each[way][count];
      values[name] = sum;
    }
    return values as TrafficValues<Prefix>;
  };
}

/** The sum of traffic, as messages have it. */
export const trafficFieldsOf = fieldsWith("");

const fieldsOfItem = fieldsWith("Ex.");

/** The traffic of one item of a list. */
export function itemTrafficFieldsOf(traffic: Traffic): TrafficValues<"Ex."> {
  return fieldsOfItem([traffic]);
}
