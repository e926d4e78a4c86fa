/** An instance of a group. */
export interface Member {
  readonly id: string;
  /** Of the launch template. */
  readonly version: string;
  readonly launchedAt: number;
  wasHealthy: boolean;
  isHealthy: boolean;
  /** When it was taken out of the load balancer, to be terminated when its connections have had time to end. */
  leavingSince?: number;
}
