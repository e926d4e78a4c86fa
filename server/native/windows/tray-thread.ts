import { parentPort, workerData } from "node:worker_threads";
import type { TypeObject } from "koffi";
import { loadKoffi } from "../koffi.ts";
import { WindowsLibrary, type Handle } from "./functions.ts";
import { callback, structure } from "./types.ts";
import { endSessionWaitMs, trayMessages, type TrayEvent, type TrayThreadData } from "./tray.ts";

// The window of the icon, and its messages. A thread of its own, since it waits for them, and since a menu that is open waits for its user.

const { library, className, title, hint, items, isShown, ended } = workerData as TrayThreadData;
const koffi = loadKoffi(library);

const u32 = "uint32_t";
const handle = "void *";
const text = "str16";

const windowProcedure = callback(koffi, "WNDPROC", "intptr_t", [handle, u32, "uintptr_t", "intptr_t"]);
const windowClass = structure(koffi, "WNDCLASSEXW", {
  cbSize: u32,
  style: u32,
  lpfnWndProc: windowProcedure,
  cbClsExtra: "int32_t",
  cbWndExtra: "int32_t",
  hInstance: handle,
  hIcon: handle,
  hCursor: handle,
  hbrBackground: handle,
  lpszMenuName: text,
  lpszClassName: text,
  hIconSm: handle,
});
const notifyIconData = structure(koffi, "NOTIFYICONDATAW", {
  cbSize: u32,
  hWnd: handle,
  uID: u32,
  uFlags: u32,
  uCallbackMessage: u32,
  hIcon: handle,
  szTip: koffi.array("char16_t", 128),
  dwState: u32,
  dwStateMask: u32,
  szInfo: koffi.array("char16_t", 256),
  uVersion: u32,
  szInfoTitle: koffi.array("char16_t", 64),
  dwInfoFlags: u32,
  guidItem: koffi.array("uint8_t", 16),
  hBalloonIcon: handle,
});
const point = structure(koffi, "POINT", { x: "int32_t", y: "int32_t" });
const messageType = structure(koffi, "MSG", {
  hwnd: handle,
  message: u32,
  wParam: "uintptr_t",
  lParam: "intptr_t",
  time: u32,
  pt: point,
  lPrivate: u32,
});

const user = new WindowsLibrary(koffi, "user32.dll");
const shell = new WindowsLibrary(koffi, "shell32.dll");
const kernel = new WindowsLibrary(koffi, "kernel32.dll");
const pointerTo = (type: TypeObject) => koffi.pointer(type);

const getModule = kernel.declare<[null], Handle>("GetModuleHandleW", handle, [text]);
const getLastError = kernel.declare<[], number>("GetLastError", u32, []);
const setShutdownOrder = kernel.declare<[number, number], number>("SetProcessShutdownParameters", "int", [
  u32,
  u32,
]);
const registerClass = user.declare<[object], number>("RegisterClassExW", "uint16_t", [
  pointerTo(windowClass),
]);
const createWindow = user.declare<unknown[], Handle>("CreateWindowExW", handle, [
  ...[u32, text, text, u32],
  ...["int", "int", "int", "int"],
  ...[handle, handle, handle, handle],
]);
const defaultProcedure = user.declare<[Handle, number, unknown, unknown], number>(
  "DefWindowProcW",
  "intptr_t",
  [handle, u32, "uintptr_t", "intptr_t"],
);
const getMessage = user.declare<[object, null, number, number], number>("GetMessageW", "int", [
  koffi.out(pointerTo(messageType)),
  handle,
  u32,
  u32,
]);
const translate = user.declare<[object], number>("TranslateMessage", "int", [pointerTo(messageType)]);
const dispatch = user.declare<[object], number>("DispatchMessageW", "intptr_t", [pointerTo(messageType)]);
const postQuit = user.declare<[number], void>("PostQuitMessage", "void", ["int"]);
const destroyWindow = user.declare<[Handle], number>("DestroyWindow", "int", [handle]);
const endMenu = user.declare<[], number>("EndMenu", "int", []);
const post = user.declare<[Handle, number, number, number], number>("PostMessageW", "int", [
  handle,
  u32,
  "uintptr_t",
  "intptr_t",
]);
const loadImage = user.declare<[Handle, number, number, number, number, number], Handle>(
  "LoadImageW",
  handle,
  [handle, "uintptr_t", u32, "int", "int", u32],
);
const systemMetric = user.declare<[number], number>("GetSystemMetrics", "int", ["int"]);
const registerMessage = user.declare<[string], number>("RegisterWindowMessageW", u32, [text]);
const createMenu = user.declare<[], Handle>("CreatePopupMenu", handle, []);
const destroyMenu = user.declare<[Handle], number>("DestroyMenu", "int", [handle]);
const appendItem = user.declare<[Handle, number, number, string | null], number>("AppendMenuW", "int", [
  handle,
  u32,
  "uintptr_t",
  text,
]);
const trackMenu = user.declare<[Handle, number, number, number, number, Handle, null], number>(
  "TrackPopupMenu",
  "int",
  [handle, u32, "int", "int", "int", handle, handle],
);
const setForeground = user.declare<[Handle], number>("SetForegroundWindow", "int", [handle]);
const cursorPosition = user.declare<[object], number>("GetCursorPos", "int", [koffi.out(pointerTo(point))]);
const notifyIcon = shell.declare<[number, object], number>("Shell_NotifyIconW", "int", [
  u32,
  pointerTo(notifyIconData),
]);

const WM_NULL = 0;
const WM_DESTROY = 0x2;
const WM_CLOSE = 0x10;
const WM_QUERYENDSESSION = 0x11;
const WM_ENDSESSION = 0x16;
const WM_CONTEXTMENU = 0x7b;
const WM_LBUTTONUP = 0x202;
const WM_RBUTTONUP = 0x205;
const WM_OF_ICON = 0x8001;
const WS_POPUP = 0x8000_0000;
const NIM_ADD = 0;
const NIM_DELETE = 2;
/** Message, icon and hint are given. */
const NIF_ALL = 7;
const MF_GRAYED = 1;
const MF_SEPARATOR = 0x800;
/** The number of the item is returned, and either button chooses. */
const TPM_CHOICE = 0x100 | 0x2;
const IMAGE_ICON = 1;
const LR_SHARED = 0x8000;
const SM_CXSMICON = 49;
const SM_CYSMICON = 50;
const IDI_APPLICATION = 32_512;
/** Number of the icon in the resources of the executable. */
const ownIcon = 1;
/** Before the worker, which has no window (the default is 0x280): it would be ended while it still serves. */
const shutdownOrder = 0x2ff;

const instance = getModule(null);
const [width, height] = [systemMetric(SM_CXSMICON), systemMetric(SM_CYSMICON)];
const icon =
  loadImage(instance, ownIcon, IMAGE_ICON, width, height, LR_SHARED) ||
  loadImage(null, IDI_APPLICATION, IMAGE_ICON, 0, 0, LR_SHARED);
const taskbarCreated = registerMessage("TaskbarCreated");
const tell = (event: TrayEvent) => parentPort?.postMessage(event);

let window: Handle = null;
/** What was asked for, whether or not there is a task bar at present. */
let wanted = isShown;
let added = false;

function iconData(): object {
  return {
    cbSize: koffi.sizeof(notifyIconData),
    hWnd: window,
    uID: 1,
    uFlags: NIF_ALL,
    uCallbackMessage: WM_OF_ICON,
    hIcon: icon,
    szTip: hint.slice(0, 127),
    dwState: 0,
    dwStateMask: 0,
    szInfo: "",
    uVersion: 0,
    szInfoTitle: "",
    dwInfoFlags: 0,
    guidItem: Array.from({ length: 16 }, () => 0),
    hBalloonIcon: null,
  };
}

function show(): void {
  wanted = true;
  if (!added) added = notifyIcon(NIM_ADD, iconData()) !== 0;
  tell({ type: "icon", isShown: added });
}

function hide(): void {
  wanted = false;
  if (added) notifyIcon(NIM_DELETE, iconData());
  added = false;
  tell({ type: "icon", isShown: false });
}

function openMenu(): void {
  const menu = createMenu();
  for (const item of items) {
    if (item === "separator") appendItem(menu, MF_SEPARATOR, 0, null);
    else appendItem(menu, item.isEnabled ? 0 : MF_GRAYED, item.number, item.text);
  }
  const place = { x: 0, y: 0 };
  cursorPosition(place);
  // Otherwise the menu stays open when its user clicks elsewhere; and the message after it ends it for good.
  setForeground(window);
  const chosen = trackMenu(menu, TPM_CHOICE, place.x, place.y, 0, window, null);
  post(window, WM_NULL, 0, 0);
  destroyMenu(menu);
  if (chosen !== 0) tell({ type: "chosen", number: chosen });
}

/** The user logs off: this process may be ended as soon as this returns. */
function endSession(): void {
  tell({ type: "endSession" });
  Atomics.wait(new Int32Array(ended), 0, 0, endSessionWaitMs);
}

function onMessage(message: number, wordParameter: unknown, longParameter: unknown): number | undefined {
  switch (message) {
    case WM_OF_ICON: {
      const event = Number(longParameter) & 0xffff;
      if (event === WM_RBUTTONUP || event === WM_LBUTTONUP || event === WM_CONTEXTMENU) openMenu();
      return 0;
    }
    case trayMessages.show:
      show();
      return 0;
    case trayMessages.hide:
      hide();
      return 0;
    case taskbarCreated:
      added = false;
      if (wanted) show();
      return 0;
    case WM_QUERYENDSESSION:
      return 1;
    case WM_ENDSESSION:
      if (Number(wordParameter) !== 0) {
        endSession();
        destroyWindow(window);
      }
      return 0;
    case WM_CLOSE:
      endMenu();
      destroyWindow(window);
      return 0;
    case WM_DESTROY:
      if (added) notifyIcon(NIM_DELETE, iconData());
      added = false;
      postQuit(0);
      return 0;
    default:
      return undefined;
  }
}

const procedure = koffi.register((target: Handle, message: number, word: unknown, long: unknown) => {
  try {
    const answer = onMessage(message, word, long);
    if (answer !== undefined) return answer;
  } catch (error) {
    tell({ type: "fault", text: String(error) });
  }
  return defaultProcedure(target, message, word, long);
}, windowProcedure);

function createHiddenWindow(): Handle {
  const registered = registerClass({
    cbSize: koffi.sizeof(windowClass),
    style: 0,
    lpfnWndProc: procedure,
    cbClsExtra: 0,
    cbWndExtra: 0,
    hInstance: instance,
    hIcon: icon,
    hCursor: null,
    hbrBackground: null,
    lpszMenuName: null,
    lpszClassName: className,
    hIconSm: null,
  });
  if (registered === 0) throw new Error(`RegisterClassExW: error ${getLastError()} of Windows`);
  const created = createWindow(0, className, title, WS_POPUP, 0, 0, 0, 0, null, null, instance, null);
  if (!created) throw new Error(`CreateWindowExW: error ${getLastError()} of Windows`);
  return created;
}

setShutdownOrder(shutdownOrder, 0);
window = createHiddenWindow();
tell({ type: "ready", window: BigInt(window ?? 0) });
if (isShown) show();
const message = {};
// -1 is an error, which comes again and again.
while (getMessage(message, null, 0, 0) > 0) {
  translate(message);
  dispatch(message);
}
