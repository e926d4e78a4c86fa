import { hubLimits } from "../limits.ts";
import { AccessList } from "./access-list.ts";
import { AddressTable } from "./address-table.ts";
import { hasHubFilter } from "./frame-filter.ts";
import type { HubPort } from "./hub-port.ts";
import type { HubSettings } from "../settings/hub-settings.ts";
import type { Steps } from "../turns.ts";
import { IpTable } from "./ip-table.ts";
import { logsAnyFrame } from "./packet-log.ts";
import { addPortCounters, createPortCounters, type PortCounters } from "./port-counters.ts";
import { PortList } from "./port-list.ts";
import { PortState } from "./port-state.ts";

/** What the parts of a hub share: settings made ready for use, ports and tables. */
export class HubState {
  readonly macs: AddressTable;
  readonly ips: IpTable;
  settings: HubSettings;
  accessList: AccessList;
  /** Whether each frame must be looked into, because of the settings. */
  inspectsAll = false;
  readonly #ports = new PortList<PortState>();
  readonly #monitors = new PortList<PortState>();
  #floods: Floods | undefined;
  readonly #byId: PortState[] = [];
  readonly #freeIds: number[] = [];
  /** Of ports that are gone. */
  readonly #pastCounters = createPortCounters();
  readonly #random: () => number;
  #sweepAt = -Infinity;

  constructor(settings: HubSettings, random: () => number) {
    const seed = Math.floor(random() * 0x1_0000_0000) | 0;
    this.macs = new AddressTable({ limit: hubLimits.macEntries, seed });
    this.ips = new IpTable(seed);
    this.#random = random;
    this.settings = settings;
    this.accessList = accessListOf(settings);
    this.#take(settings);
  }

  /** Traffic and drops of all ports since the hub was made. */
  get counters(): PortCounters {
    const sum = createPortCounters();
    addPortCounters(sum, this.#pastCounters);
    for (const { counters } of this.all()) addPortCounters(sum, counters);
    return sum;
  }

  /** What stays the same object is not made ready again: rules may be thousands, and so may ports. */
  update(settings: HubSettings): void {
    const former = this.settings;
    const isNewList =
      settings.accessList !== former.accessList ||
      settings.options.ApplyIPv4AccessListOnArpPacket !== former.options.ApplyIPv4AccessListOnArpPacket;
    if (isNewList) this.accessList = accessListOf(settings);
    this.settings = settings;
    if (settings.options !== former.options) {
      for (const port of this.all()) port.configure(settings.options, this.#random);
    }
    this.#take(settings);
  }

  #take({ online, options, log }: HubSettings): void {
    this.inspectsAll = !online || !this.accessList.isEmpty || hasHubFilter(options) || logsAnyFrame(log);
    this.#floods = undefined;
  }

  /** Without those that look on. */
  get ports(): readonly PortState[] {
    return this.#ports.all;
  }

  get monitors(): readonly PortState[] {
    return this.#monitors.all;
  }

  /** Whether flooded frames may be kept from some ports, or reach them changed. */
  get selectsFlooded(): boolean {
    return this.#flooding().selects;
  }

  /** The same, of those that announce a router. */
  get stripsRouters(): boolean {
    return this.#flooding().stripsRouters;
  }

  /** Every port, those that look on last. */
  *all(): Generator<PortState> {
    yield* this.ports;
    yield* this.monitors;
  }

  /** The port that an entry of a table belongs to. */
  owner(id: number): PortState {
    return this.#byId[id] as PortState;
  }

  /** @param now of the hub's clock */
  add(port: HubPort, now: number): PortState {
    const state = new PortState(this.#freeIds.pop() ?? this.#byId.length, port, now);
    this.#byId[state.id] = state;
    state.configure(this.settings.options, this.#random);
    (port.monitor ? this.#monitors : this.#ports).add(state);
    this.#floods = undefined;
    return state;
  }

  remove(state: PortState): void {
    state.attached = false;
    (state.port.monitor ? this.#monitors : this.#ports).remove(state);
    this.macs.removeOwner(state.id);
    this.ips.removeOwner(state.id);
    addPortCounters(this.#pastCounters, state.counters);
    this.#freeIds.push(state.id);
    this.#floods = undefined;
  }

  /** Takes out the entries that have aged, once in a while and some at once. */
  sweep(now: number): void {
    if (now < this.#sweepAt) return;
    const { sweepMs, sweepPauseMs, sweptAtOnce } = hubLimits;
    const isDone = this.#removeAged(now, sweptAtOnce);
    this.#sweepAt = now + (isDone ? sweepMs : sweepPauseMs);
  }

  /** Takes out all of them, for lists. */
  sweepAll(now: number): void {
    this.#removeAged(now);
  }

  #removeAged(now: number, most?: number): boolean {
    const { macAgeMs } = hubLimits;
    const macs = this.macs.removeAged(now, macAgeMs, macAgeMs, most);
    const ips = this.ips.removeAged(now, most);
    return macs && ips;
  }

  /** The half of a table key that has the VLAN of a frame. */
  macWord(word0: number, vlan: number): number {
    return this.settings.options.NoManageVlanId ? word0 : word0 | (vlan << 16);
  }

  #flooding(): Floods {
    this.#floods ??= {
      selects: this.accessList.dependsOnReceiver || this.ports.some(({ selectsFlooded }) => selectsFlooded),
      stripsRouters: this.ports.some(({ stripsRouters }) => stripsRouters),
    };
    return this.#floods;
  }
}

/** What the ports together say of flooded frames. */
interface Floods {
  readonly selects: boolean;
  readonly stripsRouters: boolean;
}

/** Lists that were made ready before a hub takes them, by their rules. */
const prepared = new WeakMap<HubSettings["accessList"], AccessList>();

/**
 * Makes the access list of a hub ready that its settings have, unless it is; in steps, since it may be long. Without it, the hub does so
 * itself, at once.
 */
export function prepareAccessList(settings: HubSettings): Steps<void> | undefined {
  const { accessList } = settings;
  if (accessList.length === 0 || isReady(settings)) return undefined;
  return (function* () {
    prepared.set(accessList, yield* AccessList.inSteps(accessList, accessListOptions(settings)));
  })();
}

function accessListOptions({ options }: HubSettings): { readonly applyToArp: boolean } {
  return { applyToArp: options.ApplyIPv4AccessListOnArpPacket };
}

/** Of all hubs without rules. */
const withoutRules = AccessList.of([], { applyToArp: false });

function isReady(settings: HubSettings): boolean {
  return prepared.get(settings.accessList)?.applyToArp === accessListOptions(settings).applyToArp;
}

function accessListOf(settings: HubSettings): AccessList {
  const list = isReady(settings) ? prepared.get(settings.accessList) : undefined;
  return (
    list ??
    (settings.accessList.length === 0 ? withoutRules : undefined) ??
    AccessList.of(settings.accessList, accessListOptions(settings))
  );
}
