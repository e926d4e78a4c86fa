import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startServer, type Server } from "../../server/app.ts";
import { createLogger } from "../../server/logger.ts";

let directory: string;
let server: Server;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpncmd-"));
  server = await startServer({
    paths: { certificateFile: join(directory, "server.crt"), keyFile: join(directory, "server.key") },
    listeners: [{ port: 0, enabled: true }],
    hubs: [],
    bindAddress: "127.0.0.1",
    log: createLogger({ write: () => {} }),
    createHubLog: () => ({ security: () => {}, packet: () => {} }),
    storeUser: () => Promise.reject(new Error("nobody changes a password here")),
  });
});
after(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** Runs the unmodified `vpncmd` of Debian's softether-vpncmd against our server. */
function vpncmd(...args: string[]): Promise<{ code: number | null; output: string }> {
  const port = server.listeners()[0]?.port;
  return new Promise((resolve, reject) => {
    const child = spawn("vpncmd", [`127.0.0.1:${port}`, ...args], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
      killSignal: "SIGKILL",
    });
    let output = "";
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new Error("vpncmd is missing: install the Debian package softether-vpncmd")
          : error,
      ),
    );
    child.on("close", (code) => resolve({ code, output }));
  });
}

// vpncmd sends its login only after a hello that it took, and prints the error only from a reply that it could decode. A
// server that it does not take for a VPN server makes it end with error 2.
describe("the official vpncmd", () => {
  for (const mode of [["/SERVER"], ["/SERVER", "/HUB:DEFAULT"], ["/SERVER", "/ADMINHUB:DEFAULT"]]) {
    test(`gets hello and answer in mode ${mode.join(" ")}, and reports the server's error 33`, async () => {
      const before = server.refusals();
      const { code, output } = await vpncmd(...mode, "/PASSWORD:secret", "/CMD", "ServerInfoGet");
      assert.match(output, /Error occurred\. \(Error code: 33\)\s+Unsupported\./);
      assert.equal(code, 33);
      const refused = server.refusals();
      assert.equal(
        refused["method-not-supported"],
        before["method-not-supported"] + 1,
        "one login was answered",
      );
      assert.deepEqual({ ...refused, "method-not-supported": 0 }, { ...before, "method-not-supported": 0 });
    });
  }
});
