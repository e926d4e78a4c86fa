import type { WindowsKoffi } from "../koffi.ts";
import { structure } from "./types.ts";
import { WindowsLibrary, type Handle, type WindowsFunction } from "./functions.ts";

/** Kinds of message boxes (`MB_ICON…` of `winuser.h`). */
const boxIcons = { error: 0x10, question: 0x20, warning: 0x30, information: 0x40 } as const;
const buttons = { ok: 0, okCancel: 1, yesNo: 4 } as const;
const MB_DEFBUTTON2 = 0x100;
const MB_SETFOREGROUND = 0x1_0000;
const IDOK = 1;
const IDYES = 6;
const STD_OUTPUT_HANDLE = 0xffff_fff5;
const FILE_TYPE_DISK = 1;
const FILE_TYPE_PIPE = 3;
const UOI_FLAGS = 1;
const WSF_VISIBLE = 1;

export type BoxKind = Exclude<keyof typeof boxIcons, "question">;

/** What connects this process with a user of Windows: its console and its desktop. */
export class WindowsSession {
  readonly #koffi: WindowsKoffi;
  readonly #messageBox: WindowsFunction<[null, string, string, number], number>;
  readonly #consoleProcesses: WindowsFunction<[number[], number], number>;
  readonly #freeConsole: WindowsFunction<[], number>;

  constructor(koffi: WindowsKoffi) {
    this.#koffi = koffi;
    const user = new WindowsLibrary(koffi, "user32.dll");
    const kernel = new WindowsLibrary(koffi, "kernel32.dll");
    this.#messageBox = user.declare("MessageBoxW", "int", ["void *", "str16", "str16", "uint32_t"]);
    this.#consoleProcesses = kernel.declare("GetConsoleProcessList", "uint32_t", [
      koffi.out(koffi.pointer("uint32_t")),
      "uint32_t",
    ]);
    this.#freeConsole = kernel.declare("FreeConsole", "int", []);
  }

  /** Processes that share this one's console, itself included; 0 where it has none. */
  get consoleProcesses(): number {
    // One place would do: the count is that of all.
    return this.#consoleProcesses([0, 0], 2);
  }

  /** Whether standard output goes to a file or another program, and neither to a console nor nowhere. */
  get isRedirected(): boolean {
    const kernel = new WindowsLibrary(this.#koffi, "kernel32.dll");
    const standardHandle = kernel.declare<[number], number>("GetStdHandle", "uintptr_t", ["uint32_t"]);
    const fileType = kernel.declare<[number], number>("GetFileType", "uint32_t", ["uintptr_t"]);
    const type = fileType(standardHandle(STD_OUTPUT_HANDLE));
    return type === FILE_TYPE_DISK || type === FILE_TYPE_PIPE;
  }

  /** Whether somebody could see a window of this process: not in a service, or over SSH. */
  get hasDesktop(): boolean {
    const user = new WindowsLibrary(this.#koffi, "user32.dll");
    const station = user.declare<[], Handle>("GetProcessWindowStation", "void *", [])();
    const flagsType = structure(this.#koffi, "USEROBJECTFLAGS", {
      inherit: "int",
      reserved: "int",
      flags: "uint32_t",
    });
    const flags = { inherit: 0, reserved: 0, flags: 0 };
    const bytes = this.#koffi.sizeof(flagsType);
    const get = user.declare<[Handle, number, object, number, null], number>(
      "GetUserObjectInformationW",
      "int",
      ["void *", "int", this.#koffi.out(this.#koffi.pointer(flagsType)), "uint32_t", "void *"],
    );
    return get(station, UOI_FLAGS, flags, bytes, null) !== 0 && (flags.flags & WSF_VISIBLE) !== 0;
  }

  /** Lets go of the console; a window that was there for this process alone closes. */
  leaveConsole(): void {
    this.#freeConsole();
  }

  /** Shows a box with one button; resolves when it is closed. */
  async tell(kind: BoxKind, title: string, text: string): Promise<void> {
    await this.#messageBox.inBackground(null, text, title, buttons.ok | boxIcons[kind] | MB_SETFOREGROUND);
  }

  /** Shows a box with Yes and No, of which No is chosen beforehand. */
  async ask(title: string, text: string): Promise<boolean> {
    const style = buttons.yesNo | boxIcons.question | MB_DEFBUTTON2 | MB_SETFOREGROUND;
    return (await this.#messageBox.inBackground(null, text, title, style)) === IDYES;
  }

  /** Shows a box with OK and Cancel. */
  async confirm(title: string, text: string): Promise<boolean> {
    const style = buttons.okCancel | boxIcons.information | MB_SETFOREGROUND;
    return (await this.#messageBox.inBackground(null, text, title, style)) === IDOK;
  }
}
