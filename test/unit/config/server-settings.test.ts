import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { readServerSettings } from "../../../server/config/sections/server-settings-config.ts";

const settingsOf = (items: string) =>
  readServerSettings(
    parseConfig(Buffer.from(`declare root\n{\ndeclare ServerConfiguration\n{\n${items}\n}\n}\n`)),
  );
const keepAlivePortOf = (port: number) => settingsOf(`uint KeepConnectPort ${port}`).keepAlive.port;
const syslogPortOf = (port: number) =>
  settingsOf(`declare SyslogSettings\n{\nuint SaveType 1\nstring HostName x\nuint Port ${port}\n}`).syslog
    .port;

describe("what a configuration says of the server", () => {
  test("names no port that there is not, to which nothing could be sent", () => {
    const usual = settingsOf("").keepAlive.port;
    assert.deepEqual([1, 65_535].map(keepAlivePortOf), [1, 65_535]);
    assert.deepEqual([0, 65_536, 4_294_967_295].map(keepAlivePortOf), [usual, usual, usual]);
    assert.deepEqual([1, 65_535, 0, 65_536, 4_294_967_295].map(syslogPortOf), [1, 65_535, 0, 0, 0]);
  });
});
