/**
 * The walls of docs/ARCHITECTURE.md. A room of the server imports the rooms and files of its line, and nothing else of the server; a
 * line that must grow is a decision about the architecture.
 */

/** What a room is, for the error message, and what of the server it may import. */
const rooms = {
  contract: { is: "the JSON that the executable prints and the components read", imports: [] },
  json: { is: "JSON in steps, and how deep it is: pure", imports: ["limits", "turns"] },
  ethernet: { is: "what frames and addresses are made of: pure", imports: [] },
  settings: { is: "what may be configured: immutable values", imports: ["ethernet", "limits"] },
  wire: { is: "SoftEther's codecs: pure", imports: ["ethernet", "settings", "limits", "errors", "turns"] },
  client: {
    is: "the client side of the handshake, shared with the components",
    imports: ["wire", "limits", "error-words"],
  },
  hub: {
    is: "the switch: whatever plugs into it is a HubPort",
    imports: ["ethernet", "settings", "wire", "limits", "long-lists", "turns"],
  },
  identity: {
    is: "the certificate that the server is known by",
    imports: ["settings", "platform", "errors", "error-words"],
  },
  access: {
    is: "who gets into a hub, whatever protocol brings them",
    imports: ["ethernet", "settings", "platform/own-file", "wire", "hub", "limits", "turns"],
  },
  transport: {
    is: "listeners, TLS and turns; it knows a protocol by its interface alone",
    imports: [
      "read-quota",
      "ethernet",
      "settings",
      "identity",
      "limits",
      "errors",
      "error-words",
      "logger",
      "contract",
    ],
  },
  config: {
    is: "the file and its journal, to settings and back; nothing that runs",
    imports: [
      "ethernet",
      "settings",
      "wire",
      "hub/statistics",
      "identity",
      "platform",
      "state-paths",
      "errors",
      "error-words",
      "long-bytes",
      "long-lists",
      "turns",
    ],
  },
  desired: {
    is: "what `apply` takes, compared with what there is",
    imports: [
      "contract",
      "json",
      "ethernet",
      "settings",
      "wire",
      "identity",
      "config",
      "platform",
      "state-paths",
      "limits",
      "errors",
      "error-words",
      "long-lists",
      "turns",
    ],
  },
  logs: {
    is: "lines to files and to syslog",
    imports: ["ethernet", "settings", "hub", "platform/own-file", "limits", "logger", "server-log"],
  },
  admin: {
    is: "the administration: messages in, messages out, the server seen through `Administration`",
    imports: [
      "ethernet",
      "settings",
      "wire",
      "hub",
      "identity",
      "access",
      "config/sections",
      "dhcp/static-routes",
      "secure-nat/nat-entry",
      "protocols/softether/client-request",
      "protocols/softether/session-connection",
      "limits",
      "errors",
      "error-words",
      "contract",
      "server-log",
      "state-paths",
      "json",
      "long-bytes",
      "long-lists",
      "read-quota",
      "turns",
      "version",
    ],
  },
  platform: {
    is: "the operating system: processes, sockets, locks, files",
    imports: ["errors", "error-words"],
  },
  native: {
    is: "calls into the operating system, the only place that knows addresses of memory",
    imports: ["platform", "error-words"],
  },
  tcp: { is: "the end of a TCP connection, over segments: pure", imports: ["ethernet", "limits"] },
  dhcp: { is: "a DHCP server, over messages: pure", imports: ["ethernet", "limits"] },
  "secure-nat": {
    is: "a host that is not there: ARP, DHCP and NAT over frames; pure",
    imports: ["ethernet", "settings", "wire", "tcp", "dhcp", "limits"],
  },
  outside: {
    is: "the host's own network, by sockets, for a NAT",
    imports: [
      "read-quota",
      "ethernet",
      "native",
      "secure-nat/outside",
      "secure-nat/nat-refusals",
      "secure-nat/shares",
      "limits",
      "error-words",
    ],
  },
  "host-nat": {
    is: "what the host's kernel is set to while it translates for hubs, and the way there",
    imports: [
      "ethernet",
      "wire",
      "secure-nat",
      "packet-device",
      "native",
      "firewall",
      "platform",
      "settings",
      "turns",
      "limits",
      "error-words",
    ],
  },
  "packet-device": {
    is: "network interfaces of the host, by frames",
    imports: ["ethernet", "settings", "wire", "hub/hub-port", "native", "limits", "error-words"],
  },
  firewall: { is: "the host's firewalls", imports: ["contract", "platform", "errors"] },
  supervisor: {
    is: "the parent process, which no fault of the data plane may take down",
    imports: [
      "platform",
      "contract",
      "json",
      "limits",
      "state-paths",
      "errors",
      "error-words",
      "logger",
      "version",
    ],
  },
  windows: {
    is: "the arguments that only Windows has: its service, user mode with an icon",
    imports: [
      "native/windows",
      "firewall",
      "config/disk",
      "contract",
      "platform",
      "supervisor",
      "state-paths",
      "errors",
      "error-words",
    ],
  },
  init: {
    is: "what starts and stops a server whose files it is told of, whoever put them there",
    imports: [
      "platform",
      "native/windows",
      "windows/service-control",
      "windows/service-plan",
      "contract",
      "supervisor",
      "state-paths",
      "errors",
      "error-words",
    ],
  },
};

/** What every protocol may import; none knows another. */
const ofProtocols = ["ethernet", "settings", "wire", "hub", "access", "transport", "limits", "version"];

/** Rooms in which everything comes in from outside: no socket, file or timer of their own. */
const pure = {
  rooms: "contract|json|ethernet|settings|wire|hub|tcp|dhcp|secure-nat",
  modules: "buffer|crypto|net|util|zlib",
};

const pathOf = (name) => `${name.replaceAll("/", "\\/")}(/|\\.ts$)`;
const ownWall = ([name, { is, imports }]) => ({
  name: `room-${name}`,
  comment: `server/${name} is ${is}.`,
  severity: "error",
  from: { path: `^server/${name}/` },
  to: { path: "^server/", pathNot: `^server/(${[name, ...imports].map(pathOf).join("|")})` },
});

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(ownWall),
    {
      name: "protocols-do-not-know-each-other",
      comment:
        "A protocol gets users into hubs by server/access, and bytes by server/transport or a socket of its own.",
      severity: "error",
      from: { path: "^server/protocols/([^/]+)/" },
      to: {
        path: "^server/",
        pathNot: `^server/(protocols/$1/|${ofProtocols.map(pathOf).join("|")})`,
      },
    },
    {
      name: "no-circular",
      comment: "Files that import each other in a loop cannot be understood or tested one at a time.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "pure-rooms-do-no-io",
      comment:
        "Sockets, files and timers are injected, so that a test needs none and a second takes no second.",
      severity: "error",
      from: { path: `^server/(${pure.rooms})/` },
      to: { dependencyTypes: ["core"], pathNot: `^(node:)?(${pure.modules})$` },
    },
    {
      name: "access-owns-no-socket",
      comment: "Access is asked by protocols; its one file is adminip.txt.",
      severity: "error",
      from: { path: "^server/access/", pathNot: "admin-addresses\\.ts$" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(buffer|crypto|util)$" },
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
      name: "only-the-command-line-starts-a-worker",
      comment: "What runs in the worker's process is imported by nobody else.",
      severity: "error",
      from: { path: "^server/", pathNot: "^server/(worker|cli)/" },
      to: { path: "^server/worker/" },
    },
    {
      name: "only-the-command-line-imports-the-command-line",
      comment: "The command line is the top layer.",
      severity: "error",
      from: { path: "^server/", pathNot: "^server/(cli/|main\\.ts$)" },
      to: { path: "^server/cli/" },
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
        "Components deploy the built artefact. Of the server's sources they share the JSON that the executable prints, the client side of the handshake, so that health is judged by the same code as `vpnserver check`, and the check of a desired state and of who a server belongs to, so that a mistake is found before anything is deployed.",
      severity: "error",
      from: { path: "^components/" },
      to: {
        path: "^server/",
        pathNot:
          "^server/(client|wire|ethernet|settings|contract)/|^server/(limits|desired/desired-state|identity/identity-check|install/owner)\\.ts",
      },
    },
    {
      name: "policies-judge-what-the-engine-tells",
      comment:
        "The pack looks at resources of any program, in a process of its own. Of the sources it shares what an address is.",
      severity: "error",
      from: { path: "^policy/" },
      to: { path: "^(server|components|program|index\\.ts)", pathNot: "^server/ethernet/" },
    },
    {
      name: "components-know-no-program",
      comment: "The library is used without the fleet program, which is one of its users.",
      severity: "error",
      from: { path: "^(components|server)/" },
      to: { path: "^(program/|policy/|index\\.ts$)" },
    },
    {
      name: "product-imports-no-tests",
      comment: "Tests know the product, not the other way round.",
      severity: "error",
      from: { path: "^(components|program|policy|server|index\\.ts)" },
      to: { path: "^(test|bench|attack|fuzz|tools)/" },
    },
    {
      name: "state-paths-know-no-room",
      comment: "The supervisor knows them, and must not get by them what it does not import itself.",
      severity: "error",
      from: { path: "^server/state-paths\\.ts$" },
      to: {
        path: "^server/",
        pathNot: "^server/(errors|error-words|platform/(own-file|trusted-folder|windows-folder))\\.ts$",
      },
    },
    {
      name: "only-installations-know-init-systems",
      comment: "How the server was started must make no difference to it.",
      severity: "error",
      from: { path: "^server/", pathNot: "^server/(init|install)/" },
      to: { path: "^server/init/" },
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
