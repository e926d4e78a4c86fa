// Prints what the server tells its administrator on its own host.
import { callJsonRpc } from "./admin.ts";
import { arena } from "./attack.ts";

const credentials = { host: "127.0.0.1", user: "administrator", password: arena.adminPassword };
console.log(JSON.stringify(await callJsonRpc(credentials, "GetServerStatus")));
