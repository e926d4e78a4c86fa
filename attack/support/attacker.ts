// The process of one attack. Arguments: name of the attack, the field as JSON. Prints `began`, then its findings as JSON.
import { constants, setPriority } from "node:os";
import { attacks } from "../attacks.ts";
import type { Battle, Field } from "./attack.ts";

const [name = "", fieldJson = ""] = process.argv.slice(2);
const attack = attacks[name];
if (attack === undefined) throw new Error(`there is no attack ${name}`);
const field = JSON.parse(fieldJson) as Field;

// The attacker has a machine of its own as a rule: here it must not take the server's processor from it.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
// Whoever attacks from the server's host is another of its users.
if (attack.from === "host") process.setuid?.("nobody");
const end = Promise.withResolvers<void>();
let overAt = Infinity;
const battle: Battle = {
  ...field,
  begin: () => {
    if (overAt !== Infinity) return;
    overAt = performance.now() + field.seconds * 1000;
    setTimeout(() => end.resolve(), field.seconds * 1000);
    console.log("began");
  },
  isOver: () => performance.now() >= overAt,
  end: end.promise,
};
const findings = await attack.run(battle);
// A server that shut the attacker out at once has stood as long as it is watched.
battle.begin();
await battle.end;
console.log(JSON.stringify(findings));
process.exit();
