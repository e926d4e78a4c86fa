/** Header names and values in the order in which they are sent. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What the server says of keep-alive; clients ignore it (transport reference, section 5). */
export const keepAlive: HeaderList = [
  ["Keep-Alive", "timeout=15; max=19"],
  ["Connection", "Keep-Alive"],
];

/**
 * Encodes an HTTP message with its body; `Content-Length` is added.
 *
 * @param firstLine such as `POST /vpnsvc/vpn.cgi HTTP/1.1` or `HTTP/1.1 200 OK`
 * @throws {RangeError} for a line break in a line, and for an empty value: official peers drop the connection at one
 */
export function encodeHttpMessage(firstLine: string, headers: HeaderList, body: Uint8Array): Buffer {
  const lines = [firstLine];
  for (const [name, value] of [...headers, ["Content-Length", String(body.length)] as const]) {
    if (value.trim() === "") throw new RangeError(`HTTP header ${name}: an empty value is not allowed`);
    lines.push(`${name}: ${value}`);
  }
  const broken = lines.find((line) => /[^\t\x20-\x7e]/.test(line));
  if (broken !== undefined)
    throw new RangeError(`HTTP line ${JSON.stringify(broken)}: only printable ASCII is allowed`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

/**
 * By this text in the page of `GET /`, VPN clients tell a VPN server from another web server before they log in, within the
 * first 1,023 bytes (`Mayaqua/Network.c` DetectIsServerSoftEtherVPN).
 */
const vpnServerMark = "9C37197CA7C2428388C2E6E59B829B30";

/** The pages with which the server answers what is not for it. */
const pages = {
  403: { title: "Forbidden", text: "You don't have permission to access the requested URL on this server." },
  404: { title: "Not Found", text: "The requested URL was not found on this server." },
  501: { title: "Method Not Implemented", text: "The request method is not supported by this server." },
} as const;

export type PageStatus = keyof typeof pages;

/**
 * Encodes an error page in the form of the official server's (`Mayaqua/HTTP.c` HttpSendNotFound and its like), without
 * an echo of what was asked for.
 *
 * @param keepOpen whether the connection serves the next request
 */
export function encodePage(status: PageStatus, options: { date: Date; keepOpen: boolean }): Buffer {
  const { title, text } = pages[status];
  const body = [
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">',
    `<HTML><HEAD>\n<TITLE>${status} ${title}</TITLE>\n</HEAD><BODY>`,
    `<H1>${title}</H1>\n${text}<P>\n<HR>\n<!-- ${vpnServerMark} -->\n</BODY></HTML>\n`,
  ].join("\n");
  const headers: HeaderList = [
    ["Date", options.date.toUTCString()],
    ...(options.keepOpen ? keepAlive : ([["Connection", "close"]] as const)),
    ["Content-Type", "text/html; charset=iso-8859-1"],
  ];
  return encodeHttpMessage(`HTTP/1.1 ${status} ${title}`, headers, Buffer.from(body, "latin1"));
}
