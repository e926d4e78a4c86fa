import type { WindowsHost } from "../../platform/windows-host.ts";
import { addressOf, PinnedMemory } from "../pinned-memory.ts";
import type { WindowsKoffi } from "../koffi.ts";
import { LastError, WindowsLibrary, type WindowsFunction } from "./functions.ts";
import { WindowsError } from "./windows-error.ts";

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const SYNCHRONIZE = 0x10_0000;
const TOKEN_QUERY = 0x8;
/** TokenUser of TOKEN_INFORMATION_CLASS. */
const tokenUser = 1;
/** `TOKEN_USER`: a pointer and attributes, then the identifier, which has at most 68 bytes. */
const tokenUserBytes = 256;
const SE_FILE_OBJECT = 1;
const SDDL_REVISION_1 = 1;
const OWNER_SECURITY_INFORMATION = 0x1;
const DACL_SECURITY_INFORMATION = 0x4;
const PROTECTED_DACL_SECURITY_INFORMATION = 0x8000_0000;
const securityAttributesBytes = 24;
const WAIT_OBJECT_0 = 0;
const administrators = "S-1-5-32-544";
/** Characters of a text that Windows gives; the longest access list there can be has 64 KiB in its own form. */
const mostCharacters = 1024 * 1024;

/** An address, as a number: those of user space have 47 bits. */
type Address = number;

/** Declares the functions of the host that {@link WindowsHost} is made of; addresses do not leave this file. */
export class WindowsHostCalls implements WindowsHost {
  readonly userSid: string;
  readonly isAdministrator: boolean;
  readonly #last: LastError;
  readonly #koffi: WindowsKoffi;
  /** What functions fill in: four addresses or times. */
  readonly #out: PinnedMemory;
  readonly #openProcess: WindowsFunction<[number, number, number], Address>;
  readonly #wait: WindowsFunction<[Address, number], number>;
  readonly #processTimes: WindowsFunction<[Address, Address, Address, Address, Address], number>;
  readonly #closeHandle: WindowsFunction<[Address], number>;
  readonly #localFree: WindowsFunction<[Address], Address>;
  readonly #length: WindowsFunction<[Address], number>;
  readonly #move: WindowsFunction<[Address, Address, number], void>;
  readonly #toDescriptor: WindowsFunction<[string, number, Address, Address], number>;
  readonly #toText: WindowsFunction<[Address, number, number, Address, Address], number>;
  readonly #listOf: WindowsFunction<[Address, Address, Address, Address], number>;
  readonly #getSecurity: WindowsFunction<
    [string, number, number, Address, Address, Address, Address, Address],
    number
  >;
  readonly #setSecurity: WindowsFunction<
    [string, number, number, Address, Address, Address, Address],
    number
  >;

  readonly #createDirectory: WindowsFunction<[string, Address], number>;
  readonly #setOneSecurity: WindowsFunction<[string, number, Address], number>;

  /** @throws Error for a function that is not there, {@link WindowsError} for one that fails */
  constructor(koffi: WindowsKoffi) {
    this.#koffi = koffi;
    this.#last = new LastError(koffi);
    this.#out = PinnedMemory.allocate(koffi, 32);
    const kernel = new WindowsLibrary(koffi, "kernel32.dll");
    const security = new WindowsLibrary(koffi, "advapi32.dll");
    const [address, number, int, text] = ["uintptr_t", "uint32_t", "int", "str16"];
    this.#openProcess = kernel.declare("OpenProcess", address, [number, int, number]);
    this.#wait = kernel.declare("WaitForSingleObject", number, [address, number]);
    this.#processTimes = kernel.declare("GetProcessTimes", int, [
      address,
      address,
      address,
      address,
      address,
    ]);
    this.#closeHandle = kernel.declare("CloseHandle", int, [address]);
    this.#localFree = kernel.declare("LocalFree", address, [address]);
    this.#length = kernel.declare("lstrlenW", int, [address]);
    this.#move = kernel.declare("RtlMoveMemory", "void", [address, address, address]);
    this.#createDirectory = kernel.declare("CreateDirectoryW", int, [text, address]);
    this.#toDescriptor = security.declare("ConvertStringSecurityDescriptorToSecurityDescriptorW", int, [
      text,
      number,
      address,
      address,
    ]);
    this.#toText = security.declare("ConvertSecurityDescriptorToStringSecurityDescriptorW", int, [
      address,
      number,
      number,
      address,
      address,
    ]);
    this.#listOf = security.declare("GetSecurityDescriptorDacl", int, [address, address, address, address]);
    this.#getSecurity = security.declare("GetNamedSecurityInfoW", number, [
      text,
      int,
      number,
      address,
      address,
      address,
      address,
      address,
    ]);
    this.#setSecurity = security.declare("SetNamedSecurityInfoW", number, [
      text,
      int,
      number,
      address,
      address,
      address,
      address,
    ]);
    this.#setOneSecurity = security.declare("SetFileSecurityW", int, [text, number, address]);
    this.userSid = this.#ownSid(security);
    this.isAdministrator = this.#isMember(security, administrators);
  }

  processStart(pid: number): string | undefined {
    if (!Number.isSafeInteger(pid) || pid <= 0 || pid > 0xffff_ffff) return undefined;
    const handle = this.#openProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, 0, pid);
    // There is none, or it is of a user whose processes this one may not ask: then it is none of its server's.
    if (handle === 0) return undefined;
    try {
      // One that has ended is there as long as somebody holds on to it.
      if (this.#wait(handle, 0) === WAIT_OBJECT_0) return undefined;
      const done = this.#processTimes(handle, this.#at(0), this.#at(1), this.#at(2), this.#at(3));
      this.#last.checked("GetProcessTimes", done);
      return this.#out.bytes.readBigUInt64LE(0).toString();
    } finally {
      this.#closeHandle(handle);
    }
  }

  accessOf(path: string): string {
    const information = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    const result = this.#getSecurity(checkedPath(path), SE_FILE_OBJECT, information, 0, 0, 0, 0, this.#at(0));
    if (result !== 0) throw new WindowsError(`GetNamedSecurityInfo of ${path}`, result);
    const descriptor = this.#read(0);
    try {
      const done = this.#toText(descriptor, SDDL_REVISION_1, information, this.#at(0), 0);
      this.#last.checked("ConvertSecurityDescriptorToStringSecurityDescriptor", done);
      return this.#takeText();
    } finally {
      this.#localFree(descriptor);
    }
  }

  makeFolder(path: string, accessList: string): void {
    this.#withDescriptor(accessList, (descriptor) => {
      // SECURITY_ATTRIBUTES: its length, the descriptor, and that no handle is inherited.
      const { bytes } = this.#out;
      bytes.fill(0);
      bytes.writeUInt32LE(securityAttributesBytes, 0);
      bytes.writeBigUInt64LE(BigInt(descriptor), 8);
      this.#last.checked(`CreateDirectory ${path}`, this.#createDirectory(checkedPath(path), this.#at(0)));
    });
  }

  setAccess(path: string, accessList: string): void {
    this.#withDescriptor(accessList, (descriptor) => {
      const found = this.#listOf(descriptor, this.#at(1), this.#at(2), this.#at(3));
      this.#last.checked("GetSecurityDescriptorDacl", found);
      const list = this.#read(2);
      // No list at all would let everybody in.
      if (this.#out.bytes.readInt32LE(8) === 0 || list === 0)
        throw new TypeError(`no access list: ${accessList}`);
      const information = DACL_SECURITY_INFORMATION + PROTECTED_DACL_SECURITY_INFORMATION;
      // What is in the folder already gets the new list by the first; by the second the folder has no entry of the one above, which Wine
      // adds to it in the first although it is told not to.
      const result = this.#setSecurity(checkedPath(path), SE_FILE_OBJECT, information, 0, 0, list, 0);
      if (result !== 0) throw new WindowsError(`SetNamedSecurityInfo of ${path}`, result);
      this.#last.checked(`SetFileSecurity of ${path}`, this.#setOneSecurity(path, information, descriptor));
    });
  }

  #withDescriptor(accessList: string, use: (descriptor: Address) => void): void {
    const done = this.#toDescriptor(accessList, SDDL_REVISION_1, this.#at(0), 0);
    this.#last.checked("ConvertStringSecurityDescriptorToSecurityDescriptor", done);
    const descriptor = this.#read(0);
    try {
      use(descriptor);
    } finally {
      this.#localFree(descriptor);
    }
  }

  #ownSid(security: WindowsLibrary): string {
    const openToken = security.declare<[Address, number, Address], number>("OpenProcessToken", "int", [
      "uintptr_t",
      "uint32_t",
      "uintptr_t",
    ]);
    const information = security.declare<[Address, number, Address, number, Address], number>(
      "GetTokenInformation",
      "int",
      ["uintptr_t", "int", "uintptr_t", "uint32_t", "uintptr_t"],
    );
    const toText = security.declare<[Address, Address], number>("ConvertSidToStringSidW", "int", [
      "uintptr_t",
      "uintptr_t",
    ]);
    const self = this.#openProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process.pid);
    this.#last.checked("OpenProcess", self);
    try {
      this.#last.checked("OpenProcessToken", openToken(self, TOKEN_QUERY, this.#at(0)));
    } finally {
      this.#closeHandle(self);
    }
    const token = this.#read(0);
    const user = PinnedMemory.allocate(this.#koffi, tokenUserBytes);
    try {
      const userAt = addressOf(user, 0, tokenUserBytes);
      const done = information(token, tokenUser, userAt, tokenUserBytes, this.#at(0));
      this.#last.checked("GetTokenInformation", done);
      const sid = Number(user.bytes.readBigUInt64LE(0));
      this.#last.checked("ConvertSidToStringSid", toText(sid, this.#at(0)));
      return this.#takeText();
    } finally {
      user.release();
      this.#closeHandle(token);
    }
  }

  #isMember(security: WindowsLibrary, group: string): boolean {
    const toSid = security.declare<[string, Address], number>("ConvertStringSidToSidW", "int", [
      "str16",
      "uintptr_t",
    ]);
    const check = security.declare<[Address, Address, Address], number>("CheckTokenMembership", "int", [
      "uintptr_t",
      "uintptr_t",
      "uintptr_t",
    ]);
    this.#last.checked("ConvertStringSidToSid", toSid(group, this.#at(0)));
    const sid = this.#read(0);
    try {
      this.#last.checked("CheckTokenMembership", check(0, sid, this.#at(1)));
      return this.#out.bytes.readInt32LE(8) !== 0;
    } finally {
      this.#localFree(sid);
    }
  }

  #at(index: number): Address {
    return addressOf(this.#out, index * 8, 8);
  }

  #read(index: number): Address {
    return Number(this.#out.bytes.readBigUInt64LE(index * 8));
  }

  /** The text whose address was filled in first; it is given back. */
  #takeText(): string {
    const text = this.#read(0);
    try {
      const characters = this.#length(text);
      if (characters < 1 || characters > mostCharacters)
        throw new RangeError(`a text of ${characters} characters`);
      const copy = PinnedMemory.allocate(this.#koffi, characters * 2);
      this.#move(addressOf(copy, 0, characters * 2), text, characters * 2);
      const result = Buffer.from(copy.bytes).toString("utf16le");
      copy.release();
      return result;
    } finally {
      this.#localFree(text);
    }
  }
}

function checkedPath(path: string): string {
  if (path === "" || path.includes("\0")) throw new TypeError("no path, or one with a zero byte");
  return path;
}
