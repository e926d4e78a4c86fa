import { randomBytes } from "node:crypto";
import type { Operation } from "./operation.ts";
import type { ValueMap } from "./property-values.ts";
import type { Failure, StructShape } from "./shapes.ts";

/** A kind of resource. Inputs and state have been checked against their shapes before they come here. */
export interface Resource {
  readonly inputs: StructShape;
  readonly outputs: StructShape;
  /** What is wrong with inputs beyond their shape. */
  check(inputs: ValueMap): Failure[];
  /** Whether there is anything to do when it is deleted. */
  readonly deletes: boolean;
  /** The outputs as far as they follow from the inputs and, in an update, the state so far. Dials nobody. */
  previewOutputs(inputs: ValueMap, state: ValueMap | undefined): ValueMap;
  previewId(name: string): string;
  create(name: string, inputs: ValueMap, operation: Operation): Promise<{ id: string; outputs: ValueMap }>;
  update(state: ValueMap, inputs: ValueMap, operation: Operation): Promise<ValueMap>;
  delete(state: ValueMap, operation: Operation): Promise<void>;
}

/** A name with eight random hexadecimal digits behind it. */
export function uniqueId(name: string): string {
  return name + randomBytes(4).toString("hex");
}
