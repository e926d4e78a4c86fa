import { differenceOf, verdictOf, type Compared, type Verdict } from "./compare.ts";
import { notCompared } from "./steps.ts";

/** Where the page is. */
export const pageFile = new URL("../../../docs/reference/vpncmd.md", import.meta.url);

/** From the worst to the best. */
const verdicts: readonly Verdict[] = ["not supported", "differs", "works"];

/** The page that tells of every command of vpncmd how it works here. */
export function vpncmdPage(compared: readonly Compared[]): string {
  const commands = Map.groupBy(compared, ({ step }) => step.command[0] ?? "");
  const rows = [...commands].map(([command, tried]) => {
    const verdict = verdicts.find((each) => tried.some((one) => verdictOf(one) === each)) ?? "works";
    const differences = tried.filter((one) => verdictOf(one) === "differs").map(differenceOf);
    return { command, verdict, how: [...new Set(differences)].join("; ") };
  });
  const count = (verdict: Verdict) => rows.filter((row) => row.verdict === verdict).length;
  const table = (verdict: Verdict) => rows.filter((row) => row.verdict === verdict);
  return `# Commands of vpncmd

<!-- Made by "node test/interop/vpncmd/write-page.ts", which needs root; changes here are lost. -->

\`vpncmd\` of the official version 5.01, build 9674, gives the same ${compared.length} commands in the same order to the official server of that build and to
this one. This page compares exit codes and output, without times and figures that are each server's own. \`npm test\` repeats the
comparison, and fails if this page is wrong.

| | commands |
|---|---|
| works: the same on both | ${count("works")} |
| differs | ${count("differs")} |
| not supported: answered with an error | ${count("not supported")} |

## Works

${table("works")
  .map(({ command }) => `\`${command}\``)
  .join(", ")}

## Differs

| command | how |
|---|---|
${table("differs")
  .map(({ command, how }) => `| \`${command}\` | ${how} |`)
  .join("\n")}

## Not supported

${table("not supported")
  .map(({ command }) => `\`${command}\``)
  .join(", ")}

## Not compared

| command | why |
|---|---|
${Object.entries(notCompared)
  .map(([command, why]) => `| \`${command}\` | ${why} |`)
  .join("\n")}
`;
}
