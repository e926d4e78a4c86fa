import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { until } from "../../processes/try-server.ts";
import type { WindowsHost, WindowsResult } from "./windows-host.ts";

const display = ":7";
const size = { width: 800, height: 600 };

/** Pictures for people, which git ignores. */
const artefacts = join(import.meta.dirname, "../../../test-artefacts");

/** What is on the screen, in pixels of RGB. */
export class Picture {
  readonly #pixels: Buffer;
  /** Of each colour: what xwdtopnm makes depends on the picture. */
  readonly #bytes: number;

  /** @param ppm a binary PPM */
  constructor(ppm: Buffer) {
    const header = /^P6\s+(\d+)\s+(\d+)\s+(255|65535)\s/.exec(ppm.toString("latin1", 0, 64));
    if (header === null || Number(header[1]) !== size.width || Number(header[2]) !== size.height) {
      throw new Error(`no picture of the screen: ${ppm.length} bytes`);
    }
    this.#pixels = ppm.subarray(header[0].length);
    this.#bytes = header[3] === "255" ? 1 : 2;
  }

  /** Such as `0000ff` for blue. */
  at(x: number, y: number): string {
    const offset = (y * size.width + x) * 3;
    const colours = [0, 1, 2].map((colour) => this.#pixels[(offset + colour) * this.#bytes] ?? 0);
    return Buffer.from(colours).toString("hex");
  }

  /** How many pixels of a rectangle have not the colour of the empty desktop. */
  covered(left: number, top: number, right: number, bottom: number): number {
    const empty = this.at(size.width - 1, size.height - 1);
    let count = 0;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) if (this.at(x, y) !== empty) count++;
    return count;
  }
}

/** Where Wine puts the first icon of the task bar, and what its menu has, on this screen. */
export const places = {
  icon: { x: 13, y: 39 },
  /** The window of the icons. */
  bar: [0, 28, 165, 50],
  hide: { x: 70, y: 76 },
  exit: { x: 100, y: 102 },
  /** The button of the question before the icon goes. */
  questionOk: { x: 352, y: 349 },
  /** Right of the bar, where only the menu is. */
  menu: [170, 45, 244, 112],
} as const;

/** A user's desktop: a screen that nobody sees, with a mouse and a task bar. */
export class Desktop {
  readonly #host: WindowsHost;

  private constructor(host: WindowsHost) {
    this.#host = host;
  }

  static async open(host: WindowsHost): Promise<Desktop> {
    const { width, height } = size;
    await host.shell(
      `Xvfb ${display} -screen 0 ${width}x${height}x24 -nolisten tcp </dev/null >/dev/null 2>&1 &
       for try in $(seq 200); do DISPLAY=${display} xdotool getmouselocation >/dev/null 2>&1 && exit; sleep 0.05; done; exit 1`,
    );
    return new Desktop(host);
  }

  /** Starts a program as a click does, with no streams, and a console of its own if it wants one; the first one opens the desktop. */
  async start(words: readonly string[]): Promise<void> {
    const { width, height } = size;
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const command = `wine explorer /desktop=desk,${width}x${height} ${quoted}`;
    await this.#host.shell(`cd /root; DISPLAY=${display} ${command} </dev/null >/dev/null 2>&1 &`);
  }

  /** Has other programs, which {@link vpnserver} runs, come to the same desktop. */
  async share(): Promise<void> {
    const key = "HKCU\\Software\\Wine\\Explorer";
    await this.#host.run("reg", ["add", key, "/v", "Desktop", "/d", "desk", "/f"]);
    const value = `${size.width}x${size.height}`;
    await this.#host.run("reg", ["add", `${key}\\Desktops`, "/v", "desk", "/d", value, "/f"]);
  }

  /** Runs the executable in the same desktop, to its end, as from another program. */
  vpnserver(words: readonly string[]): Promise<WindowsResult> {
    return this.#host.vpnserver(words, { env: { DISPLAY: display } });
  }

  async click(
    { x, y }: { readonly x: number; readonly y: number },
    button: "left" | "right" = "left",
  ): Promise<void> {
    await this.#xdotool(`mousemove ${x} ${y} click ${button === "left" ? 1 : 3}`);
  }

  /** Clicks until the screen is as it should be: the first one may only bring a window to the front. */
  async clickUntil(
    place: { readonly x: number; readonly y: number },
    name: string,
    isSo: (picture: Picture) => boolean,
  ): Promise<void> {
    await this.shows(name, isSo, () => this.click(place));
  }

  async picture(): Promise<Picture> {
    const base64 = await this.#host.shell(
      `set -e; DISPLAY=${display} xwd -root -silent >/tmp/screen.xwd
       xwdtopnm -quiet </tmp/screen.xwd >/tmp/screen.ppm; gzip -1 -c /tmp/screen.ppm | base64 -w 0`,
    );
    return new Picture(gunzipSync(Buffer.from(base64, "base64")));
  }

  /** Waits until the screen is as it should be; the last picture is kept for people. */
  async shows(
    name: string,
    isSo: (picture: Picture) => boolean,
    inBetween: () => Promise<void> = async () => {},
  ): Promise<void> {
    const look = async () => {
      if (isSo(await this.picture())) return true;
      await inBetween();
      return false;
    };
    try {
      await until(name, look, 30_000);
    } finally {
      await mkdir(artefacts, { recursive: true });
      const png = await this.#host.shell("pnmtopng -quiet /tmp/screen.ppm | base64 -w 0");
      await writeFile(
        join(artefacts, `windows-${name.replaceAll(" ", "-")}.png`),
        Buffer.from(png, "base64"),
      );
    }
  }

  async #xdotool(command: string): Promise<void> {
    await this.#host.shell(`DISPLAY=${display} xdotool ${command}`);
  }
}
