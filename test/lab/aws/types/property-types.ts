/** What a property may be; an object's name leads to its properties in {@link TypeTable.objects}. */
export type PropertyType =
  | "string"
  | "number"
  | "boolean"
  | "any"
  | { readonly list: PropertyType }
  | { readonly map: PropertyType }
  | { readonly object: string }
  | { readonly oneOf: readonly PropertyType[] };

export interface Property {
  readonly type: PropertyType;
  readonly required: boolean;
}

export type Properties = Readonly<Record<string, Property>>;

/** Properties of `@pulumi/aws`. */
export interface TypeTable {
  /** By token, such as `aws:ec2/instance:Instance` or `aws:ec2/getVpc:getVpc`. */
  readonly members: Readonly<Record<string, { readonly inputs: Properties; readonly outputs: Properties }>>;
  /** By the name that the package's files give them, such as `inputs.ec2.InstanceRootBlockDevice`. */
  readonly objects: Readonly<Record<string, Properties>>;
}
