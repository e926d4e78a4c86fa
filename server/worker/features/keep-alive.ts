import { KeepAliveSender } from "../../transport/keep-alive.ts";
import type { Feature } from "../feature.ts";

/** Packets that keep a dial-up line or a NAT entry open. */
export const keepAlive: Feature = {
  start({ configuration, log }) {
    const sender = new KeepAliveSender(log);
    sender.apply(configuration.settings.keepAlive);
    return {
      apply: (settings) => {
        sender.apply(settings.keepAlive);
        return [];
      },
      close: () => sender.close(),
    };
  },
};
