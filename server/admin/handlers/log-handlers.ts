import { hostname } from "node:os";
import type { Administration, LogFileSummary } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError, type Administrator } from "../rpc.ts";

/** The most that one reply gives of a file. */
const chunkBytes = 640 * 1024;

/** Log files: all of them for the server's administrator, those of its hub for a hub's. */
export function createLogHandlers({ logs }: Administration): RpcHandlers {
  const isVisible = ({ hubName }: LogFileSummary, administrator: Administrator) =>
    administrator.type === "server" || hubName?.toLowerCase() === administrator.hubName.toLowerCase();
  return {
    EnumLogFile: async (_request, { administrator }) => {
      const files = (await logs.list()).filter((file) => isVisible(file, administrator));
      const ServerName = hostname();
      return {
        LogFiles: files.map(({ path, bytes, updatedAt }) => ({
          FilePath: path,
          ServerName,
          FileSize: Math.min(bytes, 0xffff_ffff),
          UpdatedTime: updatedAt,
        })),
      };
    },
    ReadLogFile: async ({ FilePath, Offset }, { administrator }) => {
      if (FilePath === "") throw new RpcError("invalidParameter");
      // Only what the list names: no other file of the host can be asked for.
      const found = await logs.find(FilePath);
      if (found === undefined || !isVisible(found, administrator)) throw new RpcError("notFound");
      return { Buffer: await logs.read(found.path, Offset, chunkBytes) };
    },
  };
}
