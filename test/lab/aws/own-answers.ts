import type { QueryCall } from "./front.ts";
import type { Region } from "./region.ts";

/**
 * Calls that the server of the API does not know, or answers without a look at the lab: instance refreshes, the wanted number of
 * instances, the health of targets.
 */
export async function answerOfLab(
  { action, parameters, region }: QueryCall,
  regionOf: (name: string) => Promise<Region>,
): Promise<string | undefined> {
  const answer = Object.hasOwn(answers, action) ? answers[action] : undefined;
  return answer === undefined ? undefined : answer(parameters, await regionOf(region));
}

const answers: Readonly<Record<string, (parameters: URLSearchParams, region: Region) => string | undefined>> =
  {
    SetDesiredCapacity(parameters, { groups }) {
      groups.setDesired(nameIn(parameters), Number(parameters.get("DesiredCapacity")));
      return result("SetDesiredCapacity", "");
    },
    StartInstanceRefresh(parameters, { groups }) {
      const percentage = (name: string, byDefault: number) =>
        Number(parameters.get(`Preferences.${name}HealthyPercentage`) ?? byDefault);
      const id = groups.startRefresh(nameIn(parameters), {
        minHealthyPercentage: percentage("Min", 90),
        maxHealthyPercentage: percentage("Max", 100),
        skipMatching: parameters.get("Preferences.SkipMatching") === "true",
      });
      return result("StartInstanceRefresh", `<InstanceRefreshId>${id}</InstanceRefreshId>`);
    },
    DescribeInstanceRefreshes(parameters, { groups }) {
      const name = nameIn(parameters);
      const refresh = groups.refreshOf(name);
      const members =
        refresh === undefined
          ? ""
          : `<member><AutoScalingGroupName>${name}</AutoScalingGroupName><InstanceRefreshId>${refresh.id}</InstanceRefreshId>` +
            `<Status>${refresh.status}</Status><PercentageComplete>${refresh.percentageComplete}</PercentageComplete></member>`;
      return result("DescribeInstanceRefreshes", `<InstanceRefreshes>${members}</InstanceRefreshes>`);
    },
    DescribeTargetHealth(parameters, { balancers }) {
      const arn = parameters.get("TargetGroupArn") ?? "";
      const targets = balancers.targetsOf(arn);
      // Of a target group that was made a moment ago the server of the API knows.
      if (targets === undefined) return undefined;
      const members = targets.map(
        ({ id }) =>
          `<member><Target><Id>${id}</Id></Target><TargetHealth><State>${balancers.stateOf(arn, id)}</State></TargetHealth></member>`,
      );
      const list = `<TargetHealthDescriptions>${members.join("")}</TargetHealthDescriptions>`;
      return result("DescribeTargetHealth", list);
    },
  };

function nameIn(parameters: URLSearchParams): string {
  return parameters.get("AutoScalingGroupName") ?? "";
}

function result(action: string, xml: string): string {
  return `<${action}Response><${action}Result>${xml}</${action}Result></${action}Response>`;
}
