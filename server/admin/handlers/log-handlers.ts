import { hostname } from "node:os";
import type { Administration, LogFileSummary } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError, type Administrator } from "../rpc.ts";

/** The most that one reply gives of a file. */
const chunkBytes = 640 * 1024;

/** Log files: all of them for the server's administrator, those of its hub for a hub's. */
export function createLogHandlers({ logs }: Administration): RpcHandlers {
  const visible = async (administrator: Administrator): Promise<readonly LogFileSummary[]> => {
    const files = await logs.list();
    if (administrator.type === "server") return files;
    const own = administrator.hubName.toLowerCase();
    return files.filter(({ hubName }) => hubName?.toLowerCase() === own);
  };
  return {
    EnumLogFile: async (_request, { administrator }) => ({
      LogFiles: (await visible(administrator)).map(({ path, bytes, updatedAt }) => ({
        FilePath: path,
        ServerName: hostname(),
        FileSize: Math.min(bytes, 0xffff_ffff),
        UpdatedTime: updatedAt,
      })),
    }),
    ReadLogFile: async ({ FilePath, Offset }, { administrator }) => {
      if (FilePath === "") throw new RpcError("invalidParameter");
      // Only what the list names: no other file of the host can be asked for.
      const found = (await visible(administrator)).find(({ path }) => path === FilePath);
      if (found === undefined) throw new RpcError("notFound");
      return { Buffer: await logs.read(found.path, Offset, chunkBytes) };
    },
  };
}
