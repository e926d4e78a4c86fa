/**
 * Every bound on what the network may make the server read, hold or wait for. A length is compared with these before
 * memory is taken.
 */

/** Bounds of one PACK. The protocol allows much more than a peer that has not logged in may use. */
export interface PackLimits {
  /** Encoded size of the whole PACK. */
  readonly bytes: number;
  /** Elements in the PACK. */
  readonly elements: number;
  /** Values in one element. */
  readonly valuesPerElement: number;
  /** Encoded size of one value, without its length field. */
  readonly valueBytes: number;
}

const MiB = 1024 * 1024;

/** What the protocol itself allows (64-bit values of `Mayaqua/Pack.h`): the encoder goes no further. */
export const packProtocolLimits: PackLimits = {
  bytes: 512 * MiB,
  elements: 262_144,
  valuesPerElement: 262_144,
  valueBytes: 384 * MiB,
};

/**
 * What a peer may send before it has logged in. The body limit is the official one; a login PACK has about 40 elements
 * and no arrays worth the name.
 */
export const packBeforeLoginLimits: PackLimits = {
  bytes: 65_536,
  elements: 256,
  valuesPerElement: 256,
  valueBytes: 65_536,
};

/** Longest element name of a PACK (`MAX_ELEMENT_NAME_LEN`). */
export const packNameLimit = 63;

export const httpLimits = {
  /** Longest line of a head, without its line end (`HTTP_HEADER_LINE_MAX_SIZE`). */
  lineBytes: 4096,
  /** Header lines of one head, without the first line (`HTTP_HEADER_MAX_LINES`). */
  headerLines: 128,
  /**
   * Whole head. The official limits of line and count alone would let each connection hold half a megabyte; the heads of
   * the official programs have under 500 bytes.
   */
  headBytes: 32_768,
} as const;

/** Bounds of the signature, the first request of a VPN client (`MAX_WATERMARK_SIZE` and the size of the image). */
export const signatureLimits = { imageBytes: 1411, randomBytes: 2000 } as const;

/** Bounds of one connection until it has logged in. */
export const handshakeLimits = {
  /** HTTP requests before the signature; one more ends the connection. */
  requests: 19,
  /** `noop` requests after the signature; one more ends the connection. */
  noops: 30,
  /** From the turn of a connection, see {@link paceLimits}, to encrypted. */
  tlsMs: 15_000,
  /** From encrypted to the last byte of the login (`CONNECTING_TIMEOUT`). */
  loginMs: 15_000,
  /** From the last answer of the server to the close by the client, which lets the answer arrive instead of a reset. */
  lingerMs: 3_000,
} as const;

/** How handshakes and logins give way to what sessions send. */
export const paceLimits = {
  /** What they may take of a turn of the event loop; the one that goes beyond is the last of it. */
  turnMs: 2,
  /** Clients that are listened to at the same time for the first message of TLS, which costs most. */
  listening: 8,
  /** Clients that it may begin with in a turn after one in which such a message came, or while others wait for it. */
  startsInTurn: 1,
  /** From accepted until a client that was not heard gives its place to one that waits. */
  silentMs: 20,
  /** From one look at them to the next. */
  pollMs: 1,
  /** How long a part of a handshake may wait for its turn. */
  waitMs: 10_000,
} as const;

/** Bounds of what names and proves an account (`Cedar/Cedar.h` MAX_USERNAME_LEN and its like). */
export const loginLimits = {
  /** Name of a hub or of a user. */
  nameCharacters: 255,
  passwordCharacters: 255,
  /** RSA signature of the challenge: a key of 4096 bits. */
  signatureBytes: 512,
} as const;

/** Bounds of the connections that are open at the same time and have not logged in. */
export const connectionLimits = {
  /** All of them (`MaxUnestablishedConnections`). */
  total: 1000,
  /** From one IPv4 address, or one /64 of IPv6 (`MaxConnectionsPerIP`). */
  perAddress: 256,
  /** From one /48 of IPv6. */
  perSite: 512,
  /** Of all of them, those that are kept for this host, at most an eighth. */
  keptForOwnHost: 64,
  /** The same for networks from which somebody has logged in before, at most a quarter. */
  keptForKnown: 250,
  /** Sites, an IPv4 address or a /48 each, from which somebody has logged in and that are remembered. */
  knownSites: 4_096,
  /** Networks of one site that are. */
  knownPerSite: 16,
  /** For so long after a connection had to make room the server says that it is full. */
  fullMs: 10_000,
  /** Silence of a connection, also of one that has logged in, until the kernel asks whether the peer is there. */
  probeMs: 30_000,
  /** What the kernel takes of those that have logged in before it can send it: of all together, in equal shares within these bounds. */
  totalUnsentBytes: 64 * MiB,
  leastUnsentBytes: 256 * 1024,
  mostUnsentBytes: 4 * MiB,
  /** Lines of the server log about their begins and ends, in a minute. */
  logLines: 3_000,
} as const;

/** Connections that the kernel holds for a listener until they are accepted. */
export const listenBacklog = 4_096;

/** From one attempt to open the port of a listener to the next. */
export const listenRetryMs = 2_000;

/** Bounds of the data channel (`Cedar/Connection.c`, `MAX_PACKET_SIZE` and its like). */
export const blockLimits = {
  /** Longest Ethernet frame, without its check sequence; a longer block is dropped. */
  frameBytes: 1600,
  /** Longest block; a longer one ends the connection. */
  blockBytes: 3200,
  /** Longest filling of a keep-alive; a longer one ends the connection. */
  keepAliveBytes: 512,
} as const;

/** A port that answers frames itself, such as a NAT. */
export const answeringPortLimits = {
  /** Frames, with their lengths, that wait for the port's next turn. */
  queueBytes: 4 * 1024 * 1024,
  /** Frames of one port, until it is the turn of the next one that has some. */
  framesInTurn: 16,
  /** Pieces of memory in which they wait, and those that are kept for the next when nothing waits. */
  chunkBytes: 16 * 1024,
  spareChunks: 256,
} as const;

/** Bounds of a network interface that is plugged into a hub. */
export const packetDeviceLimits = {
  /** Frames, with their lengths, that are taken from it in one turn. */
  batchBytes: 64 * 1024,
  /** Frames that are read in one turn, with those that are dropped. */
  batchFrames: 256,
  /** Frames that one call to the kernel takes or sends. */
  readAtOnce: 32,
  sentAtOnce: 64,
  /** Frames that are gathered for one interface until the end of a turn; more go out at once. */
  gatheredBytes: 128 * 1024,
  /** Longest frame that a kernel leaves to be cut (`GSO_MAX_SIZE`), with room for its headers. */
  unfinishedBytes: 64 * 1024 + 256,
  /** Frames that wait at a TAP, whatever their length; what comes in beyond the kernel drops. */
  tapFrames: 4_096,
  /** Frames, in bytes, that wait at a packet socket; what comes in beyond the kernel drops. */
  receiveBytes: 4 * MiB,
  /** The same of frames that wait for the interface to send them. */
  sendBytes: 1 * MiB,
} as const;

/** Bounds of the local bridges. */
export const localBridgeLimits = {
  /** That can be set up. */
  bridges: 256,
  /** From one attempt to open an interface that is not there to the next. */
  retryMs: 1_000,
} as const;

/** Bounds of a TCP connection that ends in this server. */
export const tcpLimits = {
  /** Of the window that the peer is given: what it may send before it is dealt with. */
  receiveBytes: 1024 * 1024,
  /** By which the window is shifted on the wire. */
  windowScale: 7,
  congestionBytes: 8 * 1024 * 1024,
  /** Ranges beyond a gap, in either direction. */
  sackRanges: 256,
  /** Segments beyond a gap that are kept. */
  reassemblyPieces: 1_024,
  /** A smaller size, which a peer may name, would make a segment of every few bytes. */
  leastMss: 88,
  /** Times that the same bytes are sent again. */
  retries: 10,
  /** Probes without an answer. */
  probes: 6,
  mostProbeMs: 30_000,
  /** Silence until the peer is asked whether it is still there. */
  keepAliveMs: 75_000,
  /** How long a connection that has ended is remembered. */
  timeWaitMs: 30_000,
  challengeMs: 500,
} as const;

/** Bounds of what a hub's virtual host sends. */
export const secureNatLimits = {
  /** What one session may have of each table of a virtual host: of connections, ports, requests, questions and fragments. */
  sessionShare: 1 / 2,
  /** Connections and ports that one that ends lets go of in one step. */
  closedInStep: 32,
  /** Frames, with their lengths, that go to the hub in one run. */
  batchBytes: 64 * 1024,
  /** How often it is looked what is due, and how seldom while something will be. */
  tickMs: 20,
  mostTickMs: 60_000,
} as const;

/** NAT of a hub by the host's kernel. */
export const kernelNatLimits = {
  /** That use it at the same time. */
  hubs: 64,
  /** Clients of a hub: what fits into the network behind its interface. */
  clients: 4_092,
  /** Who has sent nothing for so long makes room for another when there is none. */
  quietMs: 60_000,
  /** When everybody is in use, from one look for who is quiet to the next. */
  fullMs: 1_000,
  /** Frames, with their lengths, that go to the interface in one run. */
  batchBytes: 64 * 1024,
  /** Connections of all clients of a hub, and of one; less where the kernel's own table is small. */
  connections: 16_384,
  perClient: 8_192,
  /** How long a connection of TCP that nobody answers counts as begun, as in the kernel (`nf_conntrack_tcp_timeout_syn_sent`). */
  connectingMs: 120_000,
  /** How much of the kernel's table of connections the clients of a hub may fill. */
  shareOfTable: 1 / 4,
  /** Part of the kernel's table that is free as long as it is not full. */
  spareShareOfTable: 0.01,
  /** Interfaces of a host that did not forward, between which nothing is forwarded. */
  apart: 1_024,
  /** For the kernel's connections to be counted, when the server's status is asked for. */
  countWaitMs: 300,
  /** Connections of a hub that are listed; all are counted. */
  listed: 32_768,
  /** What is read of the kernel's table at once, and how often, for one list. */
  listPieceBytes: 32 * 1024,
  listPieces: 131_072,
  /** How long a list holds at least, and which share of the time may go into making lists. */
  listHoldMs: 1_000,
  listShare: 1 / 20,
  /** How long the host may take to answer the packet that tries the way out, and how often it is tried. */
  probeTimeoutMs: 300,
  probeAttempts: 3,
  /** From one look whether the way is still open to the next. */
  lookMs: 5_000,
  /** From one attempt to use the kernel to the next, where it could not be. */
  retryMs: 30_000,
} as const;

/** Bounds of a DHCP server. */
export const dhcpLimits = {
  /** Addresses that clients have or had; beyond them the one that is free for longest is given again. */
  leases: 4_096,
  /** Since another session asked for an address, until one counts as alone and may have all of them. */
  aloneMs: 3_600_000,
  /** After so long an address may be taken from who has more than a share, if nobody was heard to use it. */
  silentMs: 10_000,
  /** From one look for such an address to the next, when there was none. */
  takeMs: 1_000,
  /** Of a message of DHCPv6, and the longest name that a client has for itself (RFC 8415, section 11.1). */
  options: 64,
  clientIdBytes: 130,
} as const;

/** Bounds of the TCP connections of a hub's NAT. */
export const tcpNatLimits = {
  connections: 16_384,
  perClient: 8_192,
  /** Of a client, that no end outside has answered yet. */
  connecting: 512,
  /** For which time is up at the same look; the others follow at the next one. */
  dueAtOnce: 256,
  /** That all of them together may hold in each direction, in equal shares. */
  totalBytes: 64 * 1024 * 1024,
  /** A share is at least so large, however many they are. */
  leastBytes: 8 * 1024,
} as const;

/** Bounds of the sockets that stand for clients of SecureNAT outside. */
export const outsideLimits = {
  /** Opened in one turn of the event loop, for all hubs together. */
  openedInTurn: 16,
  /** The same of those that are closed. */
  closedInTurn: 64,
  /** Connections of a hub that may end from outside in one turn before its others have to wait. */
  endedInTurn: 64,
} as const;

/** Bounds of the UDP of a hub's NAT. */
export const udpNatLimits = {
  /** Ports of all clients; the one that was not used for longest makes room. */
  mappings: 4_096,
  perClient: 512,
  /** That are closed at the same look, of those that were not used for long; the others follow at the next one. */
  dueAtOnce: 256,
  /** Addresses that may send to a port, because it has sent to them. */
  remotes: 256,
} as const;

/** Bounds of echo requests of a hub's clients to addresses outside. */
export const pingNatLimits = {
  /** That wait for their answers. */
  waiting: 1_024,
  perClient: 64,
  timeoutMs: 10_000,
} as const;

/** Bounds of the questions to resolvers that are not answered yet. */
export const dnsProxyLimits = { queries: 256, perClient: 64 } as const;

/** What a hub's virtual host says of IPv6. */
export const ipv6HostLimits = {
  /** Router advertisements to all stations (RFC 4861, section 6.2.1): at random times between these. */
  leastAdvertisementMs: 200_000,
  mostAdvertisementMs: 600_000,
  /** The first ones, and how long after each other. */
  firstAdvertisements: 3,
  firstAdvertisementMs: 16_000,
  /** One to all stations comes no sooner after another, whoever asks. */
  advertisementGapMs: 3_000,
  /** How long stations go by an advertisement, and keep an address for connections that have it. */
  lifetimeSeconds: 1_800,
  validSeconds: 7_200,
  /** Where nobody was heard for so long nothing is said until somebody is: twice the time in which clients of DHCP ask again at the latest. */
  quietMs: 2 * 7_200_000,
  /** To one session in a second, of advertisements that it asks for and of errors. */
  advertisementsEach: 10,
  errorsEach: 100,
  /** Sessions that were told when they came; a session that is forgotten is told again. */
  told: 4_096,
} as const;

/** Bounds of packets that come in part. */
export const fragmentLimits = {
  packets: 64,
  parts: 64,
  /** Of the payload of one. */
  bytes: 0xffff,
  ms: 10_000,
} as const;

/** Size of the buffer that all sessions read into. */
export const readLimits = {
  /** The most that the runtime reads at once without TLS; with TLS it is one record, 16 KiB. */
  sharedBytes: 64 * 1024,
} as const;

/** Buffers for what the streams of a NAT hold on its way. */
export const pieceLimits = {
  /** Sizes of one: the largest is what the system gives in a read at most. */
  leastBytes: 8 * 1024,
  mostBytes: 64 * 1024,
  /** Those of each size that are kept when nobody uses them, while there are connections. */
  kept: 32,
} as const;

/** Sizes of the buffers that outgoing frames are collected in. */
export const slabLimits = {
  /** One buffer: several reads of the largest size that the system gives. */
  bytes: 192 * 1024,
  /** One for a peer that gets little. */
  smallBytes: 16 * 1024,
  /** Longest run of blocks that is put in at once. */
  runBytes: 128 * 1024,
  /** Buffers of each size that are kept when nobody uses them. */
  kept: 64,
  /** From one look for those that nobody has needed since, which are freed, to the next. */
  trimMs: 5_000,
} as const;

/**
 * How hubs share the time of the one thread. A turn of the event loop reads all sockets once and does the work that waits; in it
 * everybody gets on, so its length is the delay that the members of one hub can cause for those of another.
 */
export const turnLimits = {
  /** What a hub may do while sockets are read. */
  atOnceMs: 4,
  /** The same once all hubs together have done more than {@link totalMs} in the turn. */
  crowdedMs: 0.5,
  /** What a hub may do of the work that waits, until the next one has its turn. */
  sliceMs: 1,
  /** What all hubs together may do of the work that waits. */
  totalMs: 8,
  /** What a byte that comes in has cost before a hub gets to see it, for decryption. */
  msPerByte: 0.7e-6,
} as const;

/** When memory that nobody uses any more is given back. */
export const memoryLimits = {
  lookMs: 10_000,
  /** More than was left the last time. */
  grownBytes: 64 * MiB,
  /** What a server without sessions has; less is not worth it. */
  smallBytes: 160 * MiB,
  /** Share of the time in which the thread has work, up to which it is idle. */
  idleUtilization: 0.3,
  /** From one time to the next while the memory does not grow. */
  leastPatienceMs: 60_000,
  mostPatienceMs: 3_600_000,
  /** Until a collection that has begun is no longer waited for. */
  collectMs: 30_000,
  /** Of memory that is asked for and not touched, for the runtime to begin with a collection; from 64 MiB on it does. */
  nudgeBytes: 96 * MiB,
  /** Objects that are left, up to which they are moved together at once: it takes some milliseconds. */
  quickHeapBytes: 32 * MiB,
} as const;

/** Bounds of the VPN sessions. */
export const sessionLimits = {
  /** Sessions of all hubs at the same time; each hub and user may have a limit of its own. */
  sessions: 4096,
  /** Of one user, where no policy says how many. */
  perUser: 1024,
  /** Of one IPv4 address, or one /48 of IPv6; this host's own have no such bound. */
  perAddress: 2048,
  /** The last places of all, which are for users that have few sessions, in hubs that have no more than their share. */
  kept: 512,
  /** So many are few. */
  few: 8,
  /** TCP connections of one session (`MAX_TCP_CONNECTION`). */
  connections: 32,
  /** Frames, in bytes, that wait for one session; what comes in beyond is dropped and counted. */
  queueBytes: 4 * MiB,
  /** The same for all sessions together. */
  totalQueueBytes: 512 * MiB,
  /** What all of them may take of the machine's memory, or of what its control group allows. */
  totalQueueShare: 0.25,
  /** What each session may have of it, whatever others have. */
  leastQueueBytes: 48 * 1024,
  /** Blocks that cannot be decompressed, more than such that can, until a session is ended. */
  unreadableBlocks: 64,
  /** Seconds without a sign of life, least and most (`Cedar/Protocol.c`). */
  timeoutSeconds: { least: 5, most: 60 },
  /** From one look at the clocks of all sessions to the next. */
  tickMs: 250,
} as const;

/** Bounds of one Virtual Hub (`Cedar/Hub.h` MAX_MAC_TABLES, MAX_IP_TABLES and the times beside them). */
export const hubLimits = {
  macEntries: 65_536,
  /** Since a MAC address was last seen as a source. */
  macAgeMs: 600_000,
  ipEntries: 65_536,
  ipAgeMs: 60_000,
  /** The same of an address that DHCP assigned. */
  dhcpIpAgeMs: 300_000,
  /** For so long after it was seen an address belongs to its port alone, where a policy says so. */
  exclusiveMs: 13_000,
  /** From one look for entries that have aged to the next. */
  sweepMs: 1_000,
  /** Entries of a table that one such look takes out, and from there to the next one when more have aged. */
  sweptAtOnce: 2_048,
  sweepPauseMs: 20,
  /** In which the flooded frames of a source are counted. */
  stormWindowMs: 500,
  /** In which the bits of a port with a bandwidth limit are counted. */
  rateWindowMs: 1_000,
  /** Lines in a minute about what stations a port has, or assigns addresses to. */
  stationLines: 100,
  /** Frames of one hub, in bytes, that wait because an access list delays them. */
  delayedBytes: 16 * MiB,
  /** Frames of a hub, in bytes, that are copied for all its ports before it is asked how long that took. */
  floodedBytes: 1 * MiB,
  /** What a frame counts among them at least. */
  delayedFrameBytes: 256,
  /** Delayed frames that go on at once; the others that are due follow soon. */
  releasedAtOnce: 128,
  /** From one line about dropped frames of the same port, for the same reason, to the next. */
  dropLogMs: 1_000,
  /** Rules of an access list that name users by a file, of which the log tells. */
  toldRules: 20,
  /** Flows for which it is kept what a long access list decides; one more takes the place of another. */
  keptDecisions: 512,
} as const;

/** Bounds of server log, security logs and packet logs. */
export const logLimits = {
  /** Text that waits for the disk, of one log; what comes in beyond is dropped and counted. */
  waitingBytes: 4 * MiB,
  /** The same for all logs together. */
  totalWaitingBytes: 32 * MiB,
  /** Longest line; the rest of a longer one is cut off. */
  lineCharacters: 8_192,
  /** Lines in a minute about what peers of one network do; of those beyond their number is told. */
  peerLines: 300,
  /** Networks of which that is counted; beyond, the one that is counted for longest begins anew. */
  networks: 10_000,
  /** From one look for lines that were left out to the next. */
  lookMs: 10_000,
  /** From a line to the disk, at most. */
  flushMs: 1_000,
  /** Text that goes to the disk without waiting for that. */
  flushBytes: 64 * 1024,
  /** Size of a file beyond which the log goes on in another. */
  fileBytes: 128 * MiB,
  /** Files of one kind (server, security, packet), of all hubs together; the oldest ones beyond are removed. */
  kindBytes: 2048 * MiB,
  kindFiles: 5_000,
  /** From one look for files to remove to the next; sooner after so many bytes were written. */
  sweepMs: 600_000,
  sweepBytes: 64 * MiB,
} as const;

/** Bounds of what is sent to a syslog server. */
export const syslogLimits = {
  /** One datagram; the rest of a longer line is cut off (`Cedar/Logging.c` SendSysLog). */
  messageBytes: 1_023,
  /** Lines that wait for the server's address, or to be sent. */
  waiting: 1_000,
  /** Until the server's name is looked up again (`SYSLOG_POLL_IP_INTERVAL`). */
  addressMs: 3_600_000,
  /** The same after it was not found (`SYSLOG_POLL_IP_INTERVAL_NG`). */
  retryMs: 60_000,
} as const;

/** Bounds of the keep-alive sender (`Cedar/Cedar.h` KEEP_TCP_TIMEOUT and its like). */
export const keepAliveLimits = {
  connectMs: 1_000,
  /** From a failed attempt to the next. */
  retryMs: 60_000,
} as const;

/** How much of a turn of the event loop is for work that can wait: long calls of the administration and the configuration's file. */
export const workLimits = {
  /** Of all such work together. */
  turnMs: 5,
  /** What a request of the administration counts of it when it begins, since its short parts are not measured. */
  beginMs: 1,
} as const;

/** What is read in a turn of the event loop from peers who can wait. */
export const readQuotaLimits = {
  /** One read of the system. */
  readBytes: 64 * 1024,
  /** Requests of administrators, all together. */
  requestBytes: 512 * 1024,
  /** What comes for clients of SecureNAT from outside, all together. */
  outsideBytes: 1 * MiB,
} as const;

/** Bounds of the administration. */
export const rpcLimits = {
  /** Connections of administrators at the same time. */
  connections: 64,
  /** Those of them that the administrators of hubs may have; the others are kept for the server's administrator. */
  connectionsOfHubs: 48,
  /** Those of one hub. */
  connectionsPerHub: 16,
  /** Proof of a password. */
  proofBytes: 20,
  /** One request of a server administrator: a whole configuration fits. */
  requestBytes: 80 * MiB,
  /** One request of a hub administrator (`ADMIN_RPC_MAX_POST_SIZE_BY_HUB_ADMIN`, which is for HTTP alone). */
  hubRequestBytes: 8 * MiB,
  /** Items of one list in a request, such as the rules of an access list. */
  items: 32_768,
  /** Arrays and objects in each other in a request as JSON; no call has more than four. */
  jsonDepth: 16,
  /** From one answer over HTTP to the whole head of the next request, and until more of an answer is taken. */
  httpIdleMs: 30_000,
  /** From the head of a request over HTTP to the end of its body, and to the answer. */
  httpRequestMs: 60_000,
} as const;

/** The PACK of a request of an administrator: one with an access list has as many values as that has rules. */
export const rpcPackLimits: PackLimits = {
  bytes: rpcLimits.requestBytes,
  elements: 1024,
  valuesPerElement: 65_536,
  valueBytes: 72 * MiB,
};

/** Texts of the configuration that administrators give, in characters, as the official programs can hold them. */
export const nameLimits = {
  /** Names of hubs, users and groups. */
  nameCharacters: 255,
  /** Real names, notes and other texts of users and groups that are only shown (`MAX_SIZE`). */
  textCharacters: 511,
  /** Note, users and address of a rule of an access list (`MAX_ACCESSLIST_NOTE_LEN`, `MAX_REDIRECT_URL_LEN`). */
  ruleTextCharacters: 255,
} as const;

/** What a login by certificate costs the only thread. */
export const certificateLimits = {
  /** Authorities of one name whose signature is looked for, each of which may have another key. */
  authoritiesOfName: 16,
} as const;

/** RSA keys of certificates that somebody hands in: what one signature costs the only thread depends on them. */
export const publicKeyLimits = {
  leastBits: 1_024,
  mostBits: 8_192,
  /** As in NIST SP 800-56B, and as OpenSSL itself bounds it for a modulus beyond 3,072 bits. */
  mostExponentBits: 64,
} as const;

/** How wrong passwords are slowed down, of administrators as of users. */
export const passwordLimits = {
  /** Wrong ones without a delay. */
  freeFailures: 3,
  firstDelayMs: 250,
  longestDelayMs: 8_000,
  /** Attempts of one address for one account that wait; for one more the oldest of them leaves. */
  waitingPerAddress: 32,
  /** Of those that have waited, how many are looked at at once, and then from one look to the next. */
  looksAtOnce: 16,
  lookMs: 250,
  /** From one change of its password by a user to the next. */
  changeMs: 1_000,
  /** After this long without a wrong one an address begins anew. */
  memoryMs: 600_000,
  /** Accounts that are remembered of one address; the one with fewest wrong ones makes room. */
  accountsPerAddress: 100,
  /** Devices of one account from which somebody has logged in, and that are remembered; the latest ones. */
  devicesPerAccount: 8,
  /** The same of all addresses together. */
  accounts: 10_000,
} as const;
