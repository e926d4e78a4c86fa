import { delimiter } from "node:path";

/** The environment of somebody who has not set up anything yet: without what npm, Pulumi and the tests' runner put there. */
export function userEnvironment(): NodeJS.ProcessEnv {
  const { PATH = "", ...others } = process.env;
  const left = Object.entries(others).filter(([name]) => !/^(npm_|PULUMI_|NODE_|INIT_CWD$)/.test(name));
  const folders = PATH.split(delimiter).filter((folder) => !/node_modules|pulumi/.test(folder));
  return { ...Object.fromEntries(left), PATH: folders.join(delimiter) };
}
