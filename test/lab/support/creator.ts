// A process that makes a lab with a host, tells its name, and goes on until it is ended: by itself when it is told so.
import { once } from "node:events";
import { Lab } from "../lab.ts";

const lab = await Lab.create();
await lab.host("alpha");
lab.operator.spawn("sleep", ["600"], { stdio: "ignore" });
console.log(lab.name);
await once(process.stdin, "data");
process.exit(0);
