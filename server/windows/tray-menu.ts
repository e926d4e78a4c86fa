import type { TrayMenuItem } from "../native/windows/tray.ts";
import { productName } from "./service-plan.ts";

/** What the menu of the icon does. */
export type TrayChoice = "hide" | "exit";

const numbers: Readonly<Record<TrayChoice, number>> = { hide: 1, exit: 2 };

/** The menu of the icon; an ampersand is before the letter that chooses an item. */
export const trayMenu: readonly TrayMenuItem[] = [
  { number: 3, text: `${productName} (user mode)`, isEnabled: false },
  "separator",
  { number: numbers.hide, text: "&Hide This Icon", isEnabled: true },
  "separator",
  { number: numbers.exit, text: `E&xit ${productName}`, isEnabled: true },
];

/** What an item of the menu means; `undefined` for one that does nothing. */
export function choiceOf(number: number): TrayChoice | undefined {
  return (Object.keys(numbers) as TrayChoice[]).find((choice) => numbers[choice] === number);
}

/** What is told before the icon goes. */
export const hideText =
  "The icon goes, and the server goes on.\n\nTo see the icon again: vpnserver /usermode_showtray\nTo end the server: vpnserver stop";
