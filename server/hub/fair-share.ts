/**
 * Whether so many more bytes of one owner fit into what all of them share: nobody may hold more than is left free then, so that who
 * floods a queue leaves room in it for the others.
 *
 * @param own bytes that the owner holds already
 * @param held bytes that all hold together
 */
export function fitsShare(bytes: number, own: number, held: number, limit: number): boolean {
  return own + bytes <= limit - held - bytes;
}
