/**
 * What cloud-init of a new instance is told: the one host key that the deployment knows already, so that it is pinned from the first
 * dial, and nothing else that is secret. Whoever may read the instance's user data can pass himself off as this host over SSH, but not
 * log in, and not pass himself off as the VPN server.
 *
 * @param hostKey in OpenSSH form
 */
export function userData(hostKey: { readonly privateKey: string; readonly publicKey: string }): string {
  const indented = hostKey.privateKey
    .trimEnd()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
  return `#cloud-config
# None that came with the image stays, and no other is made.
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
${indented}
  ed25519_public: ${hostKey.publicKey}
ssh_pwauth: false
`;
}
