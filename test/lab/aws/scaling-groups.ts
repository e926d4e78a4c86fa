import { randomUUID } from "node:crypto";
import type { AwsApi } from "./api/aws-api.ts";
import { listAt, textAt, type XmlValue } from "./api/xml.ts";
import type { Member } from "./group-member.ts";
import { InstanceRefresh, type RefreshPreferences } from "./instance-refresh.ts";
import { groupTag, launchInstance } from "./launch.ts";
import type { LoadBalancers, Target } from "./load-balancers.ts";

interface Group {
  readonly members: Map<string, Member>;
  desired?: number;
  refresh?: InstanceRefresh;
  targetGroups: readonly string[];
}

/**
 * The Auto Scaling of a region: it keeps as many instances in each group as are wanted, replaces those that are not healthy, and
 * carries out instance refreshes. The server of the API keeps what was asked for. It is told of no instance: it would replace one by
 * itself, in the first zone, without a role.
 */
export class ScalingGroups {
  readonly #api: AwsApi;
  readonly #balancers: LoadBalancers;
  readonly #groups = new Map<string, Group>();

  constructor(api: AwsApi, balancers: LoadBalancers) {
    this.#api = api;
    this.#balancers = balancers;
  }

  get size(): number {
    return this.#groups.size;
  }

  setDesired(name: string, desired: number): void {
    this.#group(name).desired = desired;
  }

  /** @returns id of the refresh, which takes the place of one that is under way */
  startRefresh(name: string, preferences: RefreshPreferences): string {
    const group = this.#group(name);
    group.refresh?.cancel();
    group.refresh = new InstanceRefresh(randomUUID(), preferences);
    return group.refresh.id;
  }

  refreshOf(name: string): InstanceRefresh | undefined {
    return this.#groups.get(name)?.refresh;
  }

  /** Who are targets of each target group, for want of their addresses by id. */
  targets(addressOf: (id: string) => string | undefined): Map<string, Target[]> {
    const targets = new Map<string, Target[]>();
    for (const group of this.#groups.values()) {
      for (const arn of group.targetGroups) {
        const list = targets.get(arn) ?? [];
        for (const { id, leavingSince } of group.members.values()) {
          const address = addressOf(id);
          if (address !== undefined) list.push({ id, address, isLeaving: leavingSince !== undefined });
        }
        targets.set(arn, list);
      }
    }
    return targets;
  }

  /**
   * One step towards what is wanted.
   *
   * @param isRunning whether AWS says that an instance runs
   * @returns whether instances came or went
   */
  async follow(isRunning: (id: string) => boolean): Promise<boolean> {
    const answer = await this.#api.autoScaling("DescribeAutoScalingGroups");
    const found = listAt(answer, "AutoScalingGroups");
    const names = new Set(found.map((one) => textAt(one, "AutoScalingGroupName")));
    let changed = false;
    for (const [name, group] of this.#groups) {
      if (names.has(name)) continue;
      this.#groups.delete(name);
      for (const { id } of group.members.values()) await this.#terminate(id);
      changed = true;
    }
    for (const one of found) changed = (await this.#step(one, isRunning)) || changed;
    return changed;
  }

  #group(name: string): Group {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const made = { members: new Map(), targetGroups: [] };
    this.#groups.set(name, made);
    return made;
  }

  async #step(described: XmlValue, isRunning: (id: string) => boolean): Promise<boolean> {
    const name = textAt(described, "AutoScalingGroupName");
    const group = this.#group(name);
    group.targetGroups = listAt(described, "TargetGroupARNs").map(String);
    const [min, max] = [Number(textAt(described, "MinSize")), Number(textAt(described, "MaxSize"))];
    const desired = Math.min(max, Math.max(min, group.desired ?? min));
    group.desired = desired;
    const templateId = textAt(described, "LaunchTemplate.LaunchTemplateId");
    const version = await this.#versionOf(described, templateId);
    // To boot takes the time that it takes.
    const graceMs = Number(textAt(described, "HealthCheckGracePeriod")) * 1000;
    const byBalancer = textAt(described, "HealthCheckType") === "ELB" && group.targetGroups.length > 0;
    let changed = false;

    for (const member of group.members.values()) {
      const states = group.targetGroups.map((arn) => this.#balancers.stateOf(arn, member.id));
      const runs = isRunning(member.id);
      member.isHealthy = runs && (!byBalancer || states.every((state) => state === "healthy"));
      member.wasHealthy ||= member.isHealthy;
      const { leavingSince } = member;
      const age = Date.now() - (leavingSince ?? member.launchedAt);
      const mayStay =
        leavingSince === undefined
          ? !states.includes("unhealthy") && (member.wasHealthy || age <= graceMs)
          : age < this.#balancers.delayMs(group.targetGroups);
      if (runs && mayStay) continue;
      group.members.delete(member.id);
      await this.#terminate(member.id);
      changed = true;
    }

    const staying = [...group.members.values()].filter((member) => member.leavingSince === undefined);
    const plan = group.refresh?.plan(staying, { desired, version }) ?? { surplus: 0, leave: [] };
    for (const member of plan.leave) {
      member.leavingSince = Date.now();
      changed = true;
    }
    const remaining = staying.filter((member) => !plan.leave.includes(member));
    const wanted = desired + plan.surplus;
    for (let missing = wanted - remaining.length; missing > 0; missing--) {
      await this.#launch(name, group, described, { templateId, version });
      changed = true;
    }
    // Scaling in takes the oldest.
    for (const member of remaining.slice(0, Math.max(0, remaining.length - wanted))) {
      member.leavingSince = Date.now();
      changed = true;
    }
    return changed;
  }

  async #versionOf(described: XmlValue, templateId: string): Promise<string> {
    const said = textAt(described, "LaunchTemplate.Version") || "$Default";
    if (!said.startsWith("$")) return said;
    const answer = await this.#api.ec2("DescribeLaunchTemplates", { LaunchTemplateId: [templateId] });
    const which = said === "$Latest" ? "latestVersionNumber" : "defaultVersionNumber";
    return textAt(answer, `launchTemplates.0.${which}`);
  }

  /** Starts one instance where the group has the fewest. */
  async #launch(
    name: string,
    group: Group,
    described: XmlValue,
    template: { templateId: string; version: string },
  ): Promise<void> {
    const subnets = textAt(described, "VPCZoneIdentifier").split(",").filter(Boolean);
    const launched = await launchInstance(this.#api, {
      ...template,
      subnets,
      memberIds: [...group.members.keys()],
      tags: [
        { Key: groupTag, Value: name },
        ...listAt(described, "Tags")
          .filter((tag) => textAt(tag, "PropagateAtLaunch") === "true")
          .map((tag) => ({ Key: textAt(tag, "Key"), Value: textAt(tag, "Value") })),
      ],
    });
    group.members.set(launched, {
      id: launched,
      version: template.version,
      launchedAt: Date.now(),
      wasHealthy: false,
      isHealthy: false,
    });
  }

  async #terminate(id: string): Promise<void> {
    await this.#api.ec2("TerminateInstances", { InstanceId: [id] });
  }
}
