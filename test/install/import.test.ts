import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { resultOf, TryInstall } from "./try-install.ts";

const fixture = new URL("../unit/config/fixtures/softether.config", import.meta.url);

test("an import in user mode brings hubs along, is made once, and never over another server", async () => {
  await using host = await TryInstall.create();
  const file = join(host.directory, "vpn_server.config");
  await writeFile(file, await readFile(fixture));

  const first = resultOf(await host.install({ words: ["--import", file] }));

  assert.equal(first.imported?.status, "now");
  assert.equal(first.imported.from, file);
  assert.deepEqual(first.listeners.map(({ port }) => port).sort(), [...host.ports].sort());
  const { hubs } = await host.status();
  assert.equal(hubs?.length, first.imported.hubs);
  assert.deepEqual(await readFile(file), await readFile(fixture));

  for (const name of [file, host.directory]) {
    const { changed, imported } = resultOf(await host.install({ words: ["--import", name] }));
    assert.equal(changed, false);
    assert.equal(imported?.status, "before");
  }
  const other = await host.install({ words: ["--import", host.prefix] });
  assert.match(other.stderr, /imported from .*not overwritten/);
});

test("an import that restricts is served as restricted, and proven there", async () => {
  await using host = await TryInstall.create();
  const file = join(host.directory, "vpn_server.config");
  const restricted = "\tdeclare ServerConfiguration\r\n\t{\r\n\t\tstring ListenIP 127.0.0.2\r\n\t}\r\n";
  const text = (await readFile(fixture, "utf8")).replace("\tdeclare ListenerList", (at) => restricted + at);
  await writeFile(file, text);
  await writeFile(join(host.directory, "adminip.txt"), "192.0.2.1\n");

  const { listeners } = resultOf(await host.install({ words: ["--import", file] }));

  assert.deepEqual(
    listeners.map(({ address, state }) => [address, state]),
    [
      ["127.0.0.2", "Listening"],
      ["127.0.0.2", "Listening"],
    ],
  );
  const { restrictions } = await host.status();
  assert.match(restrictions?.join() ?? "", /listens on 127\.0\.0\.2 alone.*adminip\.txt \(1 line\)/);
  const again = resultOf(await host.install());
  assert.deepEqual([again.changed, again.listeners], [false, listeners]);
});

test("an import that cannot be used leaves nothing behind", async () => {
  await using host = await TryInstall.create();
  const file = join(host.directory, "vpn_server.config");
  await writeFile(file, "declare root\n{\n");
  const { code, stderr } = await host.install({ words: ["--import", host.directory] });
  assert.notEqual(code, 0);
  assert.match(stderr, /cannot import .*vpn_server\.config: line \d/);
  await assert.rejects(readFile(join(host.prefix, "install.json")));
});
