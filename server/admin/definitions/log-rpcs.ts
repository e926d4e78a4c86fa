import { bin, list, str, time, u32 } from "../fields.ts";
import { rpc } from "../rpc.ts";

const logFileFields = {
  NumItem: u32,
  LogFiles: list({ FilePath: str, ServerName: str, FileSize: u32, UpdatedTime: time }),
} as const;

const readLogFileFields = { FilePath: str, ServerName: str, Offset: u32, Buffer: bin } as const;

/** Logs. */
export const logRpcs = {
  EnumLogFile: rpc({
    summary: "Lists the log files.",
    right: "any",
    errors: ["notSupported", "notEnoughRights"],
    fields: logFileFields,
  }),
  ReadLogFile: rpc({
    summary: "Gives a part of a log file.",
    right: "any",
    errors: ["notFound", "invalidParameter"],
    fields: readLogFileFields,
  }),
};
