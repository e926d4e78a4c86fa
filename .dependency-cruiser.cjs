/** The layers of docs/ARCHITECTURE.md, each ban with its reason. */
/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-circular",
      comment: "Files that import each other in a loop cannot be understood or tested one at a time.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "server-knows-no-pulumi",
      comment: "The server is an executable of its own; the deployment tool stays out of it.",
      severity: "error",
      from: { path: "^server/" },
      to: { path: "(^|/)@pulumi/|^components/|^tools/|^test/" },
    },
    {
      name: "components-see-only-the-handshake",
      comment:
        "Components deploy the built artefact. Of the server's sources they share types and the client side of the handshake, so that health is judged by the same code as `vpnserver check`, and the check of a desired state and of who a server belongs to, so that a mistake is found before anything is deployed.",
      severity: "error",
      from: { path: "^components/" },
      to: {
        path: "^server/",
        pathNot:
          "^server/(client/|wire/|listener-status\\.ts|limits\\.ts|config/desired-state\\.ts|modes/owner\\.ts)",
      },
    },
    {
      name: "wire-is-pure",
      comment: "Codecs turn bytes into values and back: no I/O, no clock, no other layer.",
      severity: "error",
      from: { path: "^server/wire/" },
      to: { path: "^server/", pathNot: "^server/(wire/|limits\\.ts|errors\\.ts)" },
    },
    {
      name: "wire-does-no-io",
      comment: "Codecs do no I/O.",
      severity: "error",
      from: { path: "^server/wire/" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(buffer|crypto|zlib)$" },
    },
    {
      name: "client-knows-only-the-wire",
      comment:
        "The handshake's client side is shared with the components, so it stays free of the server's I/O and state.",
      severity: "error",
      from: { path: "^server/client/" },
      to: { path: "^server/", pathNot: "^server/(client|wire)/|^server/(limits|error-words)\\.ts" },
    },
    {
      name: "hub-and-session-are-state-machines",
      comment:
        "Hub and session own no socket, file or timer, so that they are tested without a network and a second takes no second.",
      severity: "error",
      from: { path: "^server/(hub|session)/" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(buffer|crypto|util|net)$" },
    },
    {
      name: "hub-knows-only-the-wire",
      comment: "Whatever plugs into a hub is a HubPort; the hub knows nothing else of it.",
      severity: "error",
      from: { path: "^server/hub/" },
      to: { path: "^server/", pathNot: "^server/(hub|wire)/|^server/limits\\.ts" },
    },
    {
      name: "session-knows-hub-and-wire",
      comment: "Sessions are told of bytes and time; transport and configuration are above them.",
      severity: "error",
      from: { path: "^server/session/" },
      to: { path: "^server/", pathNot: "^server/(session|hub|wire)/|^server/limits\\.ts" },
    },
    {
      name: "transport-below-the-process-model",
      comment: "Listeners serve whoever wires them; they know nothing of supervisor, modes or command line.",
      severity: "error",
      from: { path: "^server/transport/" },
      to: { path: "^server/(supervisor|modes|firewall|cli)/" },
    },
    {
      name: "config-knows-no-network",
      comment:
        "The configuration turns files and desired states into settings and back: it uses the types of the hubs and the codecs that the file shares with the protocol, and nothing that runs.",
      severity: "error",
      from: { path: "^server/config/" },
      to: {
        path: "^server/",
        pathNot:
          "^server/(config/|wire/|hub/(hub-settings|access-rule|admin-options|kept-options|layered-map|revoked-certificate|source-address-rule|statistics)\\.ts|error-words\\.ts|errors\\.ts|limits\\.ts|atomic-file\\.ts)",
      },
    },
    {
      name: "logs-know-only-the-hub",
      comment: "A log takes lines from a hub; where they come from, and why, is not its business.",
      severity: "error",
      from: { path: "^server/logs/" },
      to: {
        path: "^server/",
        pathNot: "^server/(logs/|hub/(hub|hub-settings)\\.ts|logger\\.ts|server-log\\.ts|limits\\.ts)",
      },
    },
    {
      name: "administration-owns-no-socket",
      comment:
        "The administration answers messages. Who sends them, over what, and where settings are kept, is told to it.",
      severity: "error",
      from: { path: "^server/admin/" },
      to: { dependencyTypes: ["core"], path: "^(node:)?(fs|http|https|dgram|child_process)(/|$)" },
    },
    {
      name: "administration-below-the-process-model",
      comment:
        "It sees the running server through `Administration` alone, so that its handlers are tested without one.",
      severity: "error",
      from: { path: "^server/admin/" },
      to: { path: "^server/(app(\\.ts$|/)|supervisor/|modes/|firewall/|cli/)" },
    },
    {
      name: "nothing-below-knows-the-administration",
      comment:
        "Hubs, sessions, settings and listeners are there without it; it changes them, not the other way round.",
      severity: "error",
      from: { path: "^server/(wire|client|hub|session|config|logs|transport|firewall|modes)/" },
      to: { path: "^server/admin/" },
    },
    {
      name: "supervisor-imports-no-data-plane",
      comment: "No fault of the data plane may take the parent process down.",
      severity: "error",
      from: { path: "^server/supervisor/" },
      to: { path: "^server/(wire|client|transport|modes|firewall|cli)/" },
    },
    {
      name: "only-the-command-line-imports-the-command-line",
      comment: "The command line is the top layer.",
      severity: "error",
      from: { path: "^server/", pathNot: "^server/(cli/|main\\.ts$)" },
      to: { path: "^server/cli/" },
    },
    {
      name: "product-imports-no-tests",
      comment: "Tests know the product, not the other way round.",
      severity: "error",
      from: { path: "^(components|server|index\\.ts)" },
      to: { path: "^(test|bench|tools)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default"],
    },
  },
};
