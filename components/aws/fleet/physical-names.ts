/** Names of load balancers and target groups have 32 characters, of which AWS takes 26 to tell them apart. */
const loadBalancerPrefix = 6;
/** Names of buckets have 63 characters, of which AWS takes 26. */
const bucketPrefix = 37;

/** The beginning of a load balancer's or a target group's name; its tag `Name` has all of it. */
export function loadBalancerNamePrefix(component: string): string {
  return prefixOf(component, loadBalancerPrefix);
}

/** The beginning of a bucket's name, without dots, with which TLS would not know the bucket by its name. */
export function bucketNamePrefix(component: string): string {
  return prefixOf(component, bucketPrefix);
}

/** Letters, digits and single hyphens between them, and one at the end. */
function prefixOf(component: string, most: number): string {
  const plain = component
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
    .join("-")
    .slice(0, most - 1)
    .replace(/-$/, "");
  return `${plain === "" ? "vpn" : plain}-`;
}
