import type { ServerSettings } from "../settings/server-settings.ts";
import type { HubSummary } from "../contract/server-status.ts";
import type { Environment } from "./environment.ts";

/** Something that the server does, apart from the others: a line of the table in `server.ts`. */
export interface Feature {
  /**
   * Begins. What it needs of others it finds in the environment, which they have entered it in: a feature comes after those that
   * it builds upon.
   *
   * @throws {ServerError} why it cannot begin; the server does not start then
   */
  start(environment: Environment): RunningFeature | Promise<RunningFeature>;
}

/** What is not there does not concern the feature. */
export interface RunningFeature {
  /**
   * Does what the settings say from now on; what is still the same object is as it was.
   *
   * @returns names of the sessions that had to end for it
   */
  apply?(settings: ServerSettings, former: ServerSettings): Promise<readonly string[]> | readonly string[];
  /** What it has to tell in `vpnserver status`. */
  status?(): FeatureStatus | Promise<FeatureStatus>;
  /** Lets go of everything; called once, after that of the features that came later. */
  close?(): Promise<void> | void;
  /** Says goodbye and waits for nothing: the process is about to die of a fault. */
  abandon?(): void;
}

/** What features tell of themselves. */
export interface FeatureStatus {
  readonly hubs?: readonly HubSummary[];
  /** What does not work although it is set up, for people. */
  readonly warnings?: readonly string[];
}
