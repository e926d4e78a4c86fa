/**
 * What is used here of resedit (https://github.com/jet2jet/resedit-js), which reads and writes program files of Windows. Its own
 * declarations bring those of browsers with them, which contradict those of Node.js all over the project.
 */
export interface Resedit {
  readonly NtExecutable: {
    /** @throws for a signed file unless `ignoreCert` is set; the signature is left out of what is made of it then */
    from(bytes: Uint8Array, options?: { readonly ignoreCert: boolean }): NtExecutable;
  };
  readonly NtExecutableResource: { from(executable: NtExecutable): ExecutableResources };
  readonly Data: {
    readonly RawIconItem: { from(bitmap: ArrayBuffer, width: number, height: number, bits: number): object };
  };
  readonly Resource: {
    readonly IconGroupEntry: {
      replaceIconsForResource(
        entries: ResourceEntry[],
        group: number,
        language: number,
        icons: readonly object[],
      ): void;
      fromEntries(entries: readonly ResourceEntry[]): {
        readonly icons: readonly { readonly width: number; readonly bitCount: number }[];
      }[];
    };
    readonly VersionInfo: {
      createEmpty(): VersionInfo;
      fromEntries(entries: readonly ResourceEntry[]): VersionInfo[];
    };
  };
}

export interface NtExecutable {
  readonly newHeader: { readonly optionalHeader: { readonly subsystem: number } };
  /** By their places in the file. */
  getAllSections(): readonly {
    readonly info: {
      readonly name: string;
      readonly virtualAddress: number;
      readonly virtualSize: number;
      readonly pointerToRawData: number;
      readonly sizeOfRawData: number;
    };
    readonly data: ArrayBuffer | null;
  }[];
  generate(): ArrayBuffer;
}

export interface ResourceEntry {
  readonly type: number | string;
  readonly id: number | string;
  readonly lang: number | string;
  readonly codepage: number;
  bin: ArrayBuffer;
}

export interface ExecutableResources {
  readonly entries: ResourceEntry[];
  replaceResourceEntry(entry: ResourceEntry): void;
  /** Puts the entries into the file. */
  outputResource(executable: NtExecutable): void;
}

interface Language {
  readonly lang: number;
  readonly codepage: number;
}

export interface VersionInfo {
  lang: number | string;
  readonly fixedInfo: { readonly fileVersionMS: number };
  setFileVersion(major: number, minor: number, micro: number, revision: number, language: number): void;
  setProductVersion(major: number, minor: number, micro: number, revision: number, language: number): void;
  setStringValues(language: Language, values: Readonly<Record<string, string>>): void;
  getAllLanguagesForStringValues(): readonly Language[];
  getStringValues(language: Language): Readonly<Record<string, string>>;
  outputToResourceEntries(entries: ResourceEntry[]): void;
}

// Not a literal, by which the compiler would find the declarations.
const name: string = "resedit";

export async function loadResedit(): Promise<Resedit> {
  return (await import(name)) as Resedit;
}
