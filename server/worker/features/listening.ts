import type { Feature } from "../feature.ts";

/** TCP listeners with TLS. The last to start: what is served on them is there then. */
export const listening: Feature = {
  async start({ connections, listeners, identity, configuration }) {
    let { cipherName } = configuration.settings;
    const useTls = () => connections.useTls(identity.current, cipherName);
    await identity.onShown(useTls);
    await listeners.apply(configuration.settings.listeners);
    return {
      apply: async (settings, former) => {
        if (settings.cipherName !== former.cipherName) {
          ({ cipherName } = settings);
          useTls();
        }
        if (settings.listeners !== former.listeners) await listeners.apply(settings.listeners);
        return [];
      },
      close: () => listeners.close(),
    };
  },
};
