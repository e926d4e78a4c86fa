/** Collects what is wrong with a value from outside, each problem with its path: `hubs[0].users[1].name: ...`. */
export class Problems {
  readonly #texts: string[] = [];

  add(path: string, problem: string): void {
    this.#texts.push(`${path}: ${problem}`);
  }

  get texts(): readonly string[] {
    return this.#texts;
  }
}

/** A value with its place. */
export interface Member {
  readonly value: unknown;
  readonly path: string;
}

/** A member of a list: lists have thousands of members, and hardly anybody asks where one is. */
class ListMember implements Member {
  readonly value: unknown;
  readonly #list: string;
  readonly #index: number;

  constructor(value: unknown, list: string, index: number) {
    this.value = value;
    this.#list = list;
    this.#index = index;
  }

  get path(): string {
    return `${this.#list}[${this.#index}]`;
  }
}

/**
 * Reads the members of a JSON object and reports the ones that are not allowed. A member of the wrong kind reads as one that
 * is not there, so that every problem is found in one pass. No message repeats a value, which may be a secret.
 */
export class ObjectCheck {
  readonly #member: Member;
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #problems: Problems;

  /** @param names the members that are known; any other is a problem */
  constructor(member: Member, names: readonly string[], problems: Problems) {
    const { value } = member;
    this.#member = member;
    this.#problems = problems;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) problems.add(this.path || "the desired state", "is no object");
    this.#members = new Map(isObject ? Object.entries(value) : []);
    for (const name of this.#members.keys()) {
      if (!names.includes(name)) {
        this.report(name.slice(0, 64), `is not known here; known are ${names.join(", ")}`);
      }
    }
  }

  get path(): string {
    return this.#member.path;
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  names(): string[] {
    return [...this.#members.keys()];
  }

  report(name: string, problem: string): void {
    this.#problems.add(this.#pathOf(name), problem);
  }

  bool(name: string): boolean | undefined {
    const value = this.#members.get(name);
    if (value === undefined || typeof value === "boolean") return value;
    this.report(name, "is neither true nor false");
    return undefined;
  }

  integer(name: string, { least, most }: { least: number; most: number }): number | undefined {
    const value = this.#members.get(name);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
      return value as number;
    }
    this.report(name, `is no whole number from ${least} to ${most}`);
    return undefined;
  }

  text(name: string, { least = 0, most }: { least?: number; most: number }): string | undefined {
    const value = this.#members.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") this.report(name, "is no text");
    else if (value.length < least) this.report(name, "is empty");
    else if (value.length > most) this.report(name, `is longer than ${most} characters`);
    else if (/\0|\p{Surrogate}/u.test(value)) this.report(name, "holds a character that no text may hold");
    else return value;
    return undefined;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.#members.get(name);
    if (value === undefined || values.includes(value as T)) return value as T | undefined;
    this.report(name, `is none of ${values.map((known) => `"${known}"`).join(", ")}`);
    return undefined;
  }

  /** Text in a form of its own; `problem` is told when `parse` gives undefined. */
  parsed<T>(
    name: string,
    most: number,
    parse: (text: string) => T | undefined,
    problem: string,
  ): T | undefined {
    const text = this.text(name, { most });
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) this.report(name, problem);
    return value;
  }

  /** The members of a list, each made when its turn comes. */
  list(name: string, most: number): Iterable<Member> | undefined {
    const value: unknown = this.#members.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) this.report(name, "is no list");
    else if (value.length > most) this.report(name, `has more than ${most} members`);
    else return membersOf(value, this.#pathOf(name));
    return undefined;
  }

  member(name: string): Member {
    return { value: this.#members.get(name), path: this.#pathOf(name) };
  }

  object(name: string, names: readonly string[]): ObjectCheck | undefined {
    return this.has(name) ? new ObjectCheck(this.member(name), names, this.#problems) : undefined;
  }

  #pathOf(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

function* membersOf(list: readonly unknown[], path: string): Generator<Member> {
  for (const [index, value] of list.entries()) yield new ListMember(value, path, index);
}
