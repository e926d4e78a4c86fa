import type { Namespace } from "../namespace.ts";
import type { AwsApi } from "./api/aws-api.ts";
import { listAt, textAt } from "./api/xml.ts";
import { labSecondMs } from "./lab-time.ts";

/** An instance as a target: where it is, and whether new connections may still come to it. */
export interface Target {
  readonly id: string;
  readonly address: string;
  readonly isLeaving: boolean;
}

export type TargetState = "initial" | "healthy" | "unhealthy" | "draining";

/** A load balancer as its router sees it. */
export interface Balancer {
  readonly dnsName: string;
  readonly address: string;
  readonly groups: readonly string[];
  readonly listeners: readonly {
    readonly port: number;
    readonly isSticky: boolean;
    readonly targetPort: number;
    /** Private addresses of those that take new connections. */
    readonly targets: readonly string[];
  }[];
}

interface TargetGroup {
  readonly port: number;
  readonly checkPort: number;
  readonly isSticky: boolean;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly delayMs: number;
  targets: readonly Target[];
}

interface Health {
  state: "initial" | "healthy" | "unhealthy";
  /** How many checks in a row said otherwise, or so in the beginning. */
  streak: number;
  due: number;
  isBeingChecked: boolean;
}

const checkLoopMs = 100;

/**
 * The network load balancers of a region. Packets are sent on by rules of the router (`security-rules.ts`), so that instances see the
 * clients' own addresses; this is who knows where to: it checks the targets from the router, which stands for the balancers' own network
 * interfaces.
 */
export class LoadBalancers {
  readonly #api: AwsApi;
  readonly #router: Namespace;
  readonly #onChange: () => void;
  readonly #health = new Map<string, Health>();
  readonly #addresses = new Map<string, string>();
  readonly #groups = new Map<string, TargetGroup>();
  /** Of all targets that there ever were. */
  readonly #everTargets = new Set<string>();
  #balancers: { arn: string; dnsName: string; address: string; groups: string[] }[] = [];
  #listeners: { balancer: string; port: number; group: string }[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param onChange called when a target has become healthy or unhealthy */
  constructor(api: AwsApi, router: Namespace, onChange: () => void) {
    this.#api = api;
    this.#router = router;
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#checkWhoIsDue(), checkLoopMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads what AWS says of load balancers. @param targets by the ARN of their target group */
  async follow(targets: ReadonlyMap<string, readonly Target[]>): Promise<void> {
    const [balancers, groups] = await Promise.all([
      this.#api.loadBalancing("DescribeLoadBalancers"),
      this.#api.loadBalancing("DescribeTargetGroups"),
    ]);
    this.#balancers = listAt(balancers, "LoadBalancers").map((one) => ({
      arn: textAt(one, "LoadBalancerArn"),
      dnsName: textAt(one, "DNSName"),
      address: this.#addressOf(textAt(one, "LoadBalancerArn")),
      groups: listAt(one, "SecurityGroups").map(String),
    }));
    const found = listAt(groups, "TargetGroups");
    const arns = new Set(found.map((one) => textAt(one, "TargetGroupArn")));
    for (const arn of this.#groups.keys()) if (!arns.has(arn)) this.#groups.delete(arn);
    for (const one of found) {
      const arn = textAt(one, "TargetGroupArn");
      const answer = await this.#api.loadBalancing("DescribeTargetGroupAttributes", { TargetGroupArn: arn });
      const attributes = new Map(
        listAt(answer, "Attributes").map((pair) => [textAt(pair, "Key"), textAt(pair, "Value")]),
      );
      const port = Number(textAt(one, "Port"));
      const checkPort = textAt(one, "HealthCheckPort");
      this.#groups.set(arn, {
        port,
        checkPort: checkPort === "traffic-port" || checkPort === "" ? port : Number(checkPort),
        isSticky: attributes.get("stickiness.enabled") === "true",
        intervalMs: Number(textAt(one, "HealthCheckIntervalSeconds")) * labSecondMs,
        timeoutMs: Number(textAt(one, "HealthCheckTimeoutSeconds")) * labSecondMs,
        healthyThreshold: Number(textAt(one, "HealthyThresholdCount")),
        unhealthyThreshold: Number(textAt(one, "UnhealthyThresholdCount")),
        delayMs: Number(attributes.get("deregistration_delay.timeout_seconds")) * labSecondMs,
        targets: [],
      });
    }
    this.#listeners = [];
    for (const { arn } of this.#balancers) {
      const answer = await this.#api.loadBalancing("DescribeListeners", { LoadBalancerArn: arn });
      for (const listener of listAt(answer, "Listeners")) {
        const group = textAt(listener, "DefaultActions.0.TargetGroupArn");
        this.#listeners.push({ balancer: arn, port: Number(textAt(listener, "Port")), group });
      }
    }
    this.setTargets(targets);
    this.#forgetTheGone();
  }

  /** What instances of an Auto Scaling group are now, between two looks at what AWS says. */
  setTargets(targets: ReadonlyMap<string, readonly Target[]>): void {
    for (const [arn, group] of this.#groups) {
      group.targets = targets.get(arn) ?? [];
      for (const { address } of group.targets) this.#everTargets.add(address);
    }
  }

  /** Of a target in a group; `undefined` when it is none. */
  stateOf(arn: string, id: string): TargetState | undefined {
    const target = this.#groups.get(arn)?.targets.find((one) => one.id === id);
    if (target === undefined) return undefined;
    return target.isLeaving ? "draining" : (this.#health.get(`${arn} ${id}`)?.state ?? "initial");
  }

  targetsOf(arn: string): readonly Target[] | undefined {
    return this.#groups.get(arn)?.targets;
  }

  /** How long a target that leaves goes on with the connections that it has. */
  delayMs(arns: readonly string[]): number {
    return Math.max(0, ...arns.map((arn) => this.#groups.get(arn)?.delayMs ?? 0));
  }

  /** The load balancers with those who take new connections: the healthy ones, or all when none is. */
  balancers(): Balancer[] {
    return this.#balancers.map(({ arn, dnsName, address, groups }) => ({
      dnsName,
      address,
      groups,
      listeners: this.#listeners
        .filter(({ balancer }) => balancer === arn)
        .flatMap(({ port, group: groupArn }) => {
          const group = this.#groups.get(groupArn);
          if (group === undefined) return [];
          const open = group.targets.filter((target) => !target.isLeaving);
          const healthy = open.filter(({ id }) => this.stateOf(groupArn, id) === "healthy");
          const targets = (healthy.length > 0 ? healthy : open).map((target) => target.address);
          return [{ port, isSticky: group.isSticky, targetPort: group.port, targets: targets.sort() }];
        }),
    }));
  }

  /** Addresses of former targets and unhealthy ones: whoever is connected to them is told that it is over. */
  deadTargets(): string[] {
    const alive = new Set(
      [...this.#groups].flatMap(([arn, { targets }]) =>
        targets.filter(({ id }) => this.stateOf(arn, id) !== "unhealthy").map(({ address }) => address),
      ),
    );
    return [...this.#everTargets].filter((address) => !alive.has(address)).sort();
  }

  /** An address for each load balancer, of the range that publicAddressOf takes from. */
  #addressOf(arn: string): string {
    const known = this.#addresses.get(arn);
    if (known !== undefined) return known;
    const address = `198.19.255.${this.#addresses.size + 1}`;
    this.#addresses.set(arn, address);
    return address;
  }

  #forgetTheGone(): void {
    const known = new Set(
      [...this.#groups].flatMap(([arn, group]) => group.targets.map(({ id }) => `${arn} ${id}`)),
    );
    for (const key of this.#health.keys()) if (!known.has(key)) this.#health.delete(key);
  }

  #checkWhoIsDue(): void {
    const now = Date.now();
    const inUse = new Set(this.#listeners.map(({ group }) => group));
    for (const [arn, group] of this.#groups) {
      // Without a listener AWS does not check.
      for (const target of inUse.has(arn) ? group.targets : []) {
        const key = `${arn} ${target.id}`;
        const health = this.#health.get(key) ?? {
          state: "initial" as const,
          streak: 0,
          due: 0,
          isBeingChecked: false,
        };
        this.#health.set(key, health);
        if (health.isBeingChecked || now < health.due) continue;
        health.isBeingChecked = true;
        health.due = now + group.intervalMs;
        void this.#check(group, target, health);
      }
    }
  }

  async #check(group: TargetGroup, target: Target, health: Health): Promise<void> {
    const script = `exec 3<>/dev/tcp/${target.address}/${group.checkPort}`;
    const seconds = String(Math.max(0.2, group.timeoutMs / 1000));
    let answered: boolean;
    try {
      const { code } = await this.#router.run("timeout", [seconds, "bash", "-c", script], { check: false });
      answered = code === 0;
    } catch {
      // The lab is going away.
      return;
    } finally {
      health.isBeingChecked = false;
    }
    const said = answered ? "healthy" : "unhealthy";
    if (said === health.state) {
      health.streak = 0;
      return;
    }
    health.streak += 1;
    const threshold = answered ? group.healthyThreshold : group.unhealthyThreshold;
    // Nobody waits for an instance that boots to be called unhealthy first.
    if (health.state === "initial" && !answered) return;
    if (health.streak < threshold) return;
    health.state = said;
    health.streak = 0;
    this.#onChange();
  }
}
