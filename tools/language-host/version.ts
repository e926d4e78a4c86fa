import { engineVersion } from "../setup/versions.ts";

/** What the stand-in tells the engine, and `pulumi about` shows: it is never taken for the official program. */
export const standInVersion = `${engineVersion}+stand-in`;
