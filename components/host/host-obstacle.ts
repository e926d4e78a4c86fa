/** Oldest glibc that the server runs with, that of its Node.js. */
const oldestGlibc = { major: 2, minor: 28 } as const;

/** What of glibc a host needs, for people. */
export const glibcNeeded = `glibc ${oldestGlibc.major}.${oldestGlibc.minor} or later`;
const fitHosts = "deploy to Debian 10, Ubuntu 20.04, RHEL 8, or later ones of these";

/** The loader of programs that an executable for that platform names, by what `uname -sm` prints there. */
const loaders: Readonly<Record<string, string>> = {
  "Linux x86_64": "/lib64/ld-linux-x86-64.so.2",
  "Linux aarch64": "/lib/ld-linux-aarch64.so.1",
};

/**
 * A function for the shell of a host, `find_obstacle`: it prints in clauses why the server cannot run there, and the way out; nothing
 * where nothing is known to be in the way. It looks before anything is uploaded; what it does not find, `vpnserver version` does.
 */
export const findObstacle = `find_obstacle() {
  case $(uname -sm) in
${Object.entries(loaders)
  .map(([uname, loader]) => `    "${uname}") loader=${loader} ;;`)
  .join("\n")}
    *) return 0 ;;
  esac
  if [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then
    echo "its programs are of 32 bits, though its kernel is of 64, and the server is of 64: install a system of 64 bits"
    return 0
  fi
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc=
  case $libc in
    'glibc '[0-9]*.[0-9]*)
      major=\${libc#glibc }
      minor=\${major#*.}
      major=\${major%%.*}
      minor=\${minor%%[!0-9]*}
      if [ "$major" -lt ${oldestGlibc.major} ] || { [ "$major" -eq ${oldestGlibc.major} ] && [ "$minor" -lt ${oldestGlibc.minor} ]; }; then
        echo "it has $libc, and the server needs ${glibcNeeded}: ${fitHosts}"
        return 0
      fi
      ;;
    *)
      for file in /lib/ld-musl-*.so.1; do
        if [ -e "$file" ]; then
          echo "it has musl for its C library, as Alpine does, and the server needs ${glibcNeeded}: ${fitHosts}"
          return 0
        fi
      done
      ;;
  esac
  if [ ! -e "$loader" ]; then
    echo "there is no $loader, the loader of glibc, and the server needs ${glibcNeeded}: ${fitHosts}"
  fi
}
`;
