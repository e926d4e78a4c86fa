import type { FuzzTarget } from "./fuzzer.ts";
import { certificate, jsonRpc, packRpc } from "./targets/admin.ts";
import { configText, desiredState, journal, statusJson } from "./targets/files.ts";
import { dhcp, dhcpv6, frame, hub, virtualHost } from "./targets/frames.ts";
import { conntrack } from "./targets/kernel.ts";
import { blockStream, compression, httpHead, pack } from "./targets/wire.ts";

/** By name; each has a folder of that name in `test/fuzz/corpus/`, where something was found or kept. */
export const targets: Readonly<Record<string, FuzzTarget>> = {
  pack,
  "http-head": httpHead,
  "block-stream": blockStream,
  compression,
  frame,
  dhcp,
  dhcpv6,
  hub,
  "virtual-host": virtualHost,
  "config-text": configText,
  journal,
  "desired-state": desiredState,
  "status-json": statusJson,
  "json-rpc": jsonRpc,
  "pack-rpc": packRpc,
  certificate,
  conntrack,
};
