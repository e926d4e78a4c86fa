import type { Traffic, TrafficCount } from "../../hub/statistics.ts";

type CountNames = "BroadcastBytes" | "BroadcastCount" | "UnicastBytes" | "UnicastCount";
type TrafficValues<Prefix extends string> = Record<`${Prefix}${"Recv" | "Send"}.${CountNames}`, number>;

/** The sum of traffic, as messages have it. */
export function trafficFieldsOf(traffic: readonly Traffic[]): TrafficValues<""> {
  return prefixed("", traffic);
}

/** The traffic of one item of a list. */
export function itemTrafficFieldsOf(traffic: Traffic): TrafficValues<"Ex."> {
  return prefixed("Ex.", [traffic]);
}

function prefixed<Prefix extends string>(prefix: Prefix, traffic: readonly Traffic[]): TrafficValues<Prefix> {
  const sum = (way: keyof Traffic, name: keyof TrafficCount) =>
    traffic.reduce((total, each) => total + each[way][name], 0);
  return Object.fromEntries(
    (
      [
        ["Recv", "received"],
        ["Send", "sent"],
      ] as const
    ).flatMap(([word, way]) => [
      [`${prefix}${word}.BroadcastBytes`, sum(way, "broadcastBytes")],
      [`${prefix}${word}.BroadcastCount`, sum(way, "broadcastCount")],
      [`${prefix}${word}.UnicastBytes`, sum(way, "unicastBytes")],
      [`${prefix}${word}.UnicastCount`, sum(way, "unicastCount")],
    ]),
  ) as TrafficValues<Prefix>;
}
