import { resolveStatePaths, type StatePaths } from "../state-paths.ts";
import type { RunProgram } from "../platform/run-program.ts";
import type { Layout } from "../install/layout.ts";
import type { Manifest } from "../install/manifest.ts";
import type { ModeRunner } from "./init-system.ts";
import { ServiceMode } from "./systemd.ts";
import { UserMode } from "./background.ts";

/** What runs the server of an installation. */
export function runnerOf(options: {
  readonly layout: Layout;
  readonly manifest: Pick<Manifest, "mode" | "stateDirectory">;
  readonly run: RunProgram;
}): ModeRunner {
  const { layout, manifest, run } = options;
  const paths = statePathsOf(manifest.stateDirectory);
  const { executable } = layout;
  return manifest.mode === "service"
    ? new ServiceMode({ paths, executable, run })
    : new UserMode({ paths, executable });
}

export function statePathsOf(stateDirectory: string): StatePaths {
  return resolveStatePaths({ stateDirectory, env: {}, uid: 0, home: "/" });
}
