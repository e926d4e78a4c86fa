import { resolveStatePaths, type StatePaths } from "../config/paths.ts";
import type { RunProgram } from "../run-program.ts";
import type { Layout } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import type { ModeRunner } from "./mode-runner.ts";
import { ServiceMode } from "./service-mode.ts";
import { UserMode } from "./user-mode.ts";

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
