import { drawIcon } from "./icon.ts";
import { loadResedit, type VersionInfo } from "./resedit.ts";

/** Kinds of resources: learn.microsoft.com, "Resource Types". */
const resourceTypes = { rawData: 10, manifest: 24 } as const;

/** English of the United States, in UTF-16: the language of all that is told. */
const english = { lang: 0x409, codepage: 1200 } as const;

/** The icon's number, by which programs such as the task tray find it. */
const iconGroup = 1;

/**
 * Says of a program for the console that it needs none of its own: one that is started by a click, at logon or by the service manager
 * opens no window, and one that is started in a shell still prints there and is waited for. Systems before Windows 11 24H2 pass
 * over it. Source: learn.microsoft.com, "Console Allocation Policy".
 */
const consolePolicy = `  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <consoleAllocationPolicy xmlns="http://schemas.microsoft.com/SMI/2024/WindowsSettings">detached</consoleAllocationPolicy>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
    </windowsSettings>
  </application>
`;

export interface WindowsProgram {
  /** What Node.js makes of the program for a single executable. */
  readonly blob: Uint8Array;
  /** Name of the resource that the runtime looks for. */
  readonly blobName: string;
  /** Text in the runtime that tells whether a program was put into it. */
  readonly fuse: string;
  /** Of the product, such as `1.2.3`. */
  readonly version: string;
}

/**
 * Makes a program file of Windows of the Node.js runtime for it: without the signature, which holds for no other bytes, with the
 * program among the resources, and with icon, version and console policy of our own. The same bytes wherever it is done.
 *
 * @param runtime `node.exe`
 * @throws Error when the runtime is not what this was made for
 */
export async function makeWindowsProgram(runtime: Uint8Array, program: WindowsProgram): Promise<Uint8Array> {
  const { NtExecutable, NtExecutableResource, Data, Resource } = await loadResedit();
  const bytes = Buffer.from(runtime);
  lightFuse(bytes, program.fuse);
  const executable = NtExecutable.from(bytes, { ignoreCert: true });
  const resources = NtExecutableResource.from(executable);
  Resource.IconGroupEntry.replaceIconsForResource(
    resources.entries,
    iconGroup,
    english.lang,
    drawIcon().map(({ size, bitmap }) => Data.RawIconItem.from(bitmap.buffer, size, size, 32)),
  );
  describeVersion(Resource.VersionInfo.createEmpty(), program.version).outputToResourceEntries(
    resources.entries,
  );
  const manifest = resources.entries.find(({ type }) => type === resourceTypes.manifest);
  if (manifest === undefined) throw new Error("the runtime has no manifest");
  manifest.bin = bytesOf(Buffer.from(withConsolePolicy(Buffer.from(manifest.bin).toString())));
  resources.replaceResourceEntry({
    type: resourceTypes.rawData,
    id: program.blobName,
    lang: 0,
    codepage: 0,
    bin: bytesOf(program.blob),
  });
  resources.outputResource(executable);
  return new Uint8Array(executable.generate());
}

/** Marks the runtime as one that a program was put into, in place. */
function lightFuse(bytes: Buffer, fuse: string): void {
  const at = bytes.indexOf(`${fuse}:0`);
  if (at === -1 || bytes.includes(fuse, at + 1)) {
    throw new Error(`the runtime does not hold ${fuse}:0 once: it takes no program, or has one`);
  }
  bytes[at + fuse.length + 1] = "1".charCodeAt(0);
}

function withConsolePolicy(manifest: string): string {
  const end = manifest.lastIndexOf("</assembly>");
  if (end === -1 || manifest.includes("windowsSettings")) {
    throw new Error("the runtime's manifest is not the one that this was made for: look at it");
  }
  return manifest.slice(0, end) + consolePolicy + manifest.slice(end);
}

function describeVersion(info: VersionInfo, version: string): VersionInfo {
  info.lang = english.lang;
  const numbers = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (numbers === null) throw new Error(`${version} is no version of three numbers`);
  const [major = 0, minor = 0, patch = 0] = numbers.slice(1).map(Number);
  info.setFileVersion(major, minor, patch, 0, english.lang);
  info.setProductVersion(major, minor, patch, 0, english.lang);
  info.setStringValues(english, {
    CompanyName: "pulumi-vpnserver",
    FileDescription: "SoftEther-compatible VPN server",
    InternalName: "vpnserver",
    OriginalFilename: "vpnserver.exe",
    ProductName: "vpnserver",
    FileVersion: version,
    ProductVersion: version,
    LegalCopyright: "Apache-2.0, see THIRD-PARTY-LICENSES.txt for what it contains",
  });
  return info;
}

function bytesOf(view: Uint8Array): ArrayBuffer {
  return Uint8Array.from(view).buffer;
}
