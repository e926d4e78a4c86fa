import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { backupDirectoryOf } from "../../../server/config/disk/config-backups.ts";
import { journalFileOf } from "../../../server/config/disk/config-reader.ts";
import { ConfigStore, type ConfigStoreOptions } from "../../../server/config/config-store.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import type { HubSettings } from "../../../server/settings/hub-settings.ts";

let root: string;
let scenes = 0;
let opened: ConfigStore[];

/** Gives each test of the file that calls it a folder for its scenes. */
export function scenesForEachTest(): void {
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "vpnserver-durability-"));
    opened = [];
  });
  afterEach(async () => {
    await closeAll();
    await rm(root, { recursive: true, force: true });
  });
}

/** Lets go of the files, whatever is written into them by it: what matters was looked at, or copied, before. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((store) => store.close().catch(() => {})));
}

/** Nothing is folded by itself, so that each change stays in the journal. */
const never = { schedule: () => () => {} };

/** A folder of its own for a server. */
export async function scene(): Promise<{ readonly configFile: string; readonly journalFile: string }> {
  const directory = join(root, String(++scenes));
  await mkdir(directory);
  const configFile = join(directory, "vpn_server.config");
  return { configFile, journalFile: journalFileOf(configFile) };
}
export type Scene = Awaited<ReturnType<typeof scene>>;

export const add = (name: string) => (hubs: readonly HubSettings[]) => [...hubs, createHubSettings(name)];
export const names = (store: ConfigStore) => store.hubs.map(({ name }) => name);
/** A small change, so that the journal has few bytes. */
export const say = (message: string) => (hubs: readonly HubSettings[]) =>
  hubs.map((hub) => ({ ...hub, message }));
export const messageOf = (store: ConfigStore) => store.hubs[0]?.message;
export async function open(paths: Scene, options: ConfigStoreOptions = {}): Promise<ConfigStore> {
  const store = await ConfigStore.open(paths, { ...never, ...options });
  opened.push(store);
  return store;
}

/** The journal without the zeros that are written ahead. */
export async function linesOf({ journalFile }: Scene): Promise<Buffer> {
  const journal = await readFile(journalFile);
  return journal.subarray(0, journal.lastIndexOf("\n") + 1);
}

/** A server that was killed after some changes: what it had acknowledged when the journal was of which length. */
export async function killedServer(messages = ["one", "two", "three"]) {
  const paths = await scene();
  const store = await open(paths);
  await store.create();
  const states: { readonly bytes: number; readonly message: string | undefined }[] = [
    { bytes: 0, message: "" },
  ];
  for (const message of messages) {
    await store.updateHubs(say(message));
    states.push({ bytes: (await linesOf(paths)).length, message: messageOf(store) });
  }
  const journal = await linesOf(paths);
  return { paths, states, journal, config: await readFile(paths.configFile) };
}

/** What a server has that finds this on the disk. */
export async function found(files: { config: Buffer; journal?: Buffer; backupOf?: Scene }) {
  const paths = await scene();
  await writeFile(paths.configFile, files.config);
  if (files.journal !== undefined) await writeFile(paths.journalFile, files.journal);
  if (files.backupOf !== undefined) await copyBackups(files.backupOf, paths);
  const store = await open(paths);
  return { store, paths, message: messageOf(store), warnings: store.warnings };
}

/** It can go on with what it found, and so can the one after it. */
export async function goesOn({
  store,
  paths,
}: {
  readonly store: ConfigStore;
  readonly paths: Scene;
}): Promise<void> {
  await store.updateHubs(say("later"));
  assert.equal(messageOf(await open(paths)), "later");
}

async function copyBackups(from: Scene, to: Scene): Promise<void> {
  const [source, target] = [backupDirectoryOf(from.configFile), backupDirectoryOf(to.configFile)];
  await mkdir(target);
  for (const name of await readdir(source)) await copyFile(join(source, name), join(target, name));
}

export const asideOf = async ({ configFile }: Scene) =>
  (await readdir(join(configFile, ".."))).filter((name) => name.includes(".unusable-"));
