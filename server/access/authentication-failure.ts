/** Of a name from outside. */
const nameCharacters = 255;

/**
 * The line by which programs that watch logs know who was refused for not proving who it is: the words of the official server
 * (`LH_AUTH_NG` of its string table), which the filter `softethervpn` of fail2ban looks for. What people are refused for that
 * did prove it, or that may come back later, is no such line: nobody is banned for a hub that is full.
 *
 * The address is the end of the line, so that no name can put another one in its place.
 *
 * @param userName as it was sent, whatever it is
 */
export function authenticationFailure(connectionName: string, userName: string, peerAddress: string): string {
  const name = userName.slice(0, nameCharacters) || "(none)";
  // A zone is of this host, and no part of what is banned.
  const address = peerAddress.replace(/%.*/s, "");
  return `Connection "${connectionName}": User authentication failed. The user name that has been provided was "${name}", from ${address}.`;
}
