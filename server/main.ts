import { runCommandLine } from "./cli/program.ts";

// Node.js opens a debugger at this signal, and without one (`--disable-sigusr1`) the signal ends a process.
process.on("SIGUSR1", () => {});

void runCommandLine(process.argv.slice(2));
