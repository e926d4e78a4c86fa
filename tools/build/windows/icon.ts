/** Width and height, in pixels, of the pictures that Windows chooses from: task tray, lists, desktop, large tiles. */
const sizes = [16, 32, 48, 256] as const;

/** Looks at each pixel this many times in each direction, so that edges are smooth. */
const looks = 4;

const background = [0x1f, 0x4e, 0x8c];
const foreground = [0xff, 0xff, 0xff];

/** One picture of an icon, in the form that a resource of Windows has it: a device-independent bitmap with a mask. */
export interface IconPicture {
  readonly size: number;
  readonly bitmap: Uint8Array<ArrayBuffer>;
}

/** The executable's icon: two ends and the way between them, drawn here so that no picture lies among the sources. */
export function drawIcon(): IconPicture[] {
  return sizes.map((size) => ({ size, bitmap: bitmapOf(size) }));
}

/**
 * BITMAPINFOHEADER, 32 bits a pixel from the lowest row up (blue, green, red, alpha), and a mask that leaves all to alpha.
 *
 * Source: learn.microsoft.com, "BITMAPINFOHEADER structure"; an icon's header tells twice its height, for the mask.
 */
function bitmapOf(size: number): Uint8Array<ArrayBuffer> {
  const headerBytes = 40;
  const maskBytes = Math.ceil(size / 32) * 4 * size;
  const bitmap = new Uint8Array(headerBytes + size * size * 4 + maskBytes);
  const view = new DataView(bitmap.buffer);
  view.setUint32(0, headerBytes, true);
  view.setInt32(4, size, true);
  view.setInt32(8, size * 2, true);
  view.setUint16(12, 1, true);
  view.setUint16(14, 32, true);
  view.setUint32(20, size * size * 4, true);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const { back, fore } = coverageAt(column, size - 1 - row, size);
      const at = headerBytes + (row * size + column) * 4;
      for (const [index, channel] of [2, 1, 0].entries()) {
        const [under = 0, over = 0] = [background[channel], foreground[channel]];
        bitmap[at + index] = back === 0 ? 0 : Math.round(under + (over - under) * (fore / back));
      }
      bitmap[at + 3] = Math.round(back * 255);
    }
  }
  return bitmap;
}

/** How much of a pixel is covered by the plate, and by what is on it: 0 to 1. */
function coverageAt(column: number, row: number, size: number): { back: number; fore: number } {
  let [back, fore] = [0, 0];
  for (let look = 0; look < looks * looks; look++) {
    const x = (column + ((look % looks) + 0.5) / looks) / size;
    const y = (row + (Math.floor(look / looks) + 0.5) / looks) / size;
    if (!isOnPlate(x, y)) continue;
    back++;
    if (isOnSign(x, y)) fore++;
  }
  return { back: back / looks ** 2, fore: fore / looks ** 2 };
}

/** A square with round corners; coordinates from 0 to 1. */
function isOnPlate(x: number, y: number): boolean {
  const [radius, margin] = [0.2, 0.03];
  const beyond = (at: number) => Math.max(0, Math.abs(at - 0.5) - (0.5 - margin - radius));
  return Math.hypot(beyond(x), beyond(y)) <= radius;
}

/** Two rings, and a bar between them. */
function isOnSign(x: number, y: number): boolean {
  for (const [centre, radius] of [
    [[0.3, 0.68], 0.16],
    [[0.7, 0.32], 0.16],
  ] as const) {
    const distance = Math.hypot(x - centre[0], y - centre[1]);
    if (distance <= radius) return distance >= radius * 0.5;
  }
  // Along the line from one to the other.
  const along = ((x - 0.3) * 0.4 + (y - 0.68) * -0.36) / (0.4 ** 2 + 0.36 ** 2);
  const aside = Math.abs((x - 0.3) * -0.36 - (y - 0.68) * 0.4) / Math.hypot(0.4, 0.36);
  return along >= 0 && along <= 1 && aside <= 0.055;
}
