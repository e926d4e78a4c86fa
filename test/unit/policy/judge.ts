import { unknownCheckingProxy, type ResourceValidation, type ResourceValidationPolicy } from "@pulumi/policy";

/** A value that a preview does not know, as the engine hands it to policies. */
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A resource as a policy sees it. */
export interface JudgedResource {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
  /** URN of the parent. */
  readonly parent?: string;
  /** How the policy is set. */
  readonly config?: object;
}

/** The SDK's own way to hand properties to policies, which its declarations leave out. */
const asTold = unknownCheckingProxy as (props: object) => Record<string, unknown>;

/** What a policy has against a resource. */
export function violationsOf(
  policy: ResourceValidationPolicy,
  { type, props, parent, config = {} }: JudgedResource,
): string[] {
  const violations: string[] = [];
  const args = {
    type,
    props: asTold({ ...props }),
    opts: { ...(parent !== undefined && { parent }) },
    getConfig: () => config,
  };
  const validate = policy.validateResource as ResourceValidation;
  void validate(args as unknown as Parameters<ResourceValidation>[0], (message) =>
    violations.push(String(message)),
  );
  return violations;
}
