/** What an instance has to know to become a server of the fleet; none of it is secret. */
export interface BootSettings {
  /** Name of the component, for people. */
  readonly fleet: string;
  /** The executable, compressed (gzip), in S3. */
  readonly bucket: string;
  readonly key: string;
  /** SHA-256 and size of the executable itself. */
  readonly sha256: string;
  readonly bytes: number;
  /** Secrets of Secrets Manager whose JSON objects together are what `vpnserver apply` takes. */
  readonly secrets: readonly { readonly arn: string; readonly version: string }[];
  readonly listeners: readonly number[];
}

/** How long everything that comes over the network may take together. */
const fetchSeconds = 300;

/**
 * The user data of an instance: fetches the executable and what the server is to be, and installs it. It holds no secret; the secrets
 * are fetched by the role of the instance.
 *
 * It is Python because cloud-init is, so that every image with cloud-init has it, while few have AWS's own tools. Python 3.9 is the
 * oldest, and nothing beyond its standard library is used. The variables of the environment are those that AWS's own tools know.
 */
export function bootScript(settings: BootSettings): string {
  return String.raw`#!/usr/bin/python3
# Makes this instance a VPN server of its fleet. Its output is in /var/log/cloud-init-output.log and on the console of the instance.
import datetime, gzip, hashlib, hmac, json, os, random, shutil, subprocess, sys, tempfile, time
import urllib.error, urllib.request

SETTINGS = ${JSON.stringify(settings, undefined, 2)}
DEADLINE = time.monotonic() + ${fetchSeconds}
ENV = os.environ.get
METADATA = ENV("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"


class Failure(Exception):
    """What another attempt would not get over."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# No proxy of the image: a signed request is for AWS alone.
opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def say(text):
    print("vpnserver-boot: " + text, file=sys.stderr, flush=True)


def attempt(what, work):
    """A role, a secret and an object may take their time to be there for everybody."""
    pause = 1
    while True:
        try:
            return work()
        except Failure:
            raise
        except Exception as error:
            problem = describe(error)
        if time.monotonic() + pause > DEADLINE:
            raise Failure(what + ": " + problem + "; tried for ${fetchSeconds} s")
        say(what + ": " + problem + "; trying again")
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(pause * 2, 15)


def describe(error):
    if isinstance(error, urllib.error.HTTPError):
        return "HTTP %d %s" % (error.code, error.read(500).decode("utf-8", "replace").strip())
    return "%s: %s" % (type(error).__name__, error)


def send(url, headers={}, body=None, method=None):
    return opener.open(urllib.request.Request(url, body, headers, method=method), timeout=20)


def text_of(response, most=300000):
    content = response.read(most + 1)
    if len(content) > most:
        raise ValueError("an answer of more than %d bytes" % most)
    return content.decode()


def metadata(path):
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    token = text_of(send(METADATA + "/latest/api/token", ttl, b"", "PUT"))
    return text_of(send(METADATA + "/latest/meta-data/" + path, {"X-aws-ec2-metadata-token": token}))


def credentials():
    roles = "iam/security-credentials/"
    return json.loads(metadata(roles + metadata(roles).split()[0]))


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def signed(method, host, path, headers, body, region, service, role, now):
    """Headers of a request by Signature Version 4. The path needs no escapes, and there is no query."""
    date = now.strftime("%Y%m%dT%H%M%SZ")
    headers = dict(headers, **{"host": host, "x-amz-date": date, "x-amz-content-sha256": sha256(body)})
    if role.get("Token"):
        headers["x-amz-security-token"] = role["Token"]
    names = ";".join(sorted(headers))
    lines = ["%s:%s" % (name, headers[name]) for name in sorted(headers)]
    request = "\n".join([method, path, ""] + lines + ["", names, sha256(body)])
    scope = "/".join([date[:8], region, service, "aws4_request"])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, scope, sha256(request.encode())])
    key = ("AWS4" + role["SecretAccessKey"]).encode()
    for part in scope.split("/") + [to_sign]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        role["AccessKeyId"], scope, names, key.hex())
    return headers


def call(service, place, path, headers={}, body=b""):
    """A signed request to a service, or to what is put in its place."""
    region = metadata("placement/region")
    override = ENV("AWS_ENDPOINT_URL_" + service.upper().replace("SECRETSMANAGER", "SECRETS_MANAGER")) or ENV("AWS_ENDPOINT_URL")
    if override:
        base = override.rstrip("/")
        path = ("/" + place if place else "") + path
    else:
        base = "https://" + ".".join(([place] if place else []) + [service, region, metadata("services/domain")])
    method = "POST" if body else "GET"
    host = base.split("/")[2]
    now = datetime.datetime.now(datetime.timezone.utc)
    return send(base + path, signed(method, host, path, headers, body, region, service, credentials(), now), body or None, method)


def fetch_release(path):
    with call("s3", SETTINGS["bucket"], "/" + SETTINGS["key"]) as response, open(path, "wb") as file:
        digest, left = hashlib.sha256(), SETTINGS["bytes"]
        with gzip.GzipFile(fileobj=response) as content:
            for chunk in iter(lambda: content.read(1 << 16), b""):
                left -= len(chunk)
                if left < 0:
                    raise Failure("the release is larger than the %d bytes that it should have" % SETTINGS["bytes"])
                if time.monotonic() > DEADLINE:
                    raise Failure("the release was not whole within ${fetchSeconds} s")
                digest.update(chunk)
                file.write(chunk)
    if digest.hexdigest() != SETTINGS["sha256"]:
        raise Failure("the release has the SHA-256 %s, and not %s: nothing of it is run" % (digest.hexdigest(), SETTINGS["sha256"]))
    os.chmod(path, 0o700)


def fetch_secret(arn, version):
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}
    body = json.dumps({"SecretId": arn, "VersionId": version}).encode()
    with call("secretsmanager", "", "/", headers, body) as response:
        answer = json.loads(text_of(response))
    return json.loads(answer["SecretString"])


def run(words, **options):
    code = subprocess.run(words, stdout=sys.stderr, **options).returncode
    if code != 0:
        raise Failure("vpnserver %s ended with exit code %d; why is above" % (words[1], code))


def main(folder):
    release = os.path.join(folder, "vpnserver")
    attempt("the release s3://%s/%s" % (SETTINGS["bucket"], SETTINGS["key"]), lambda: fetch_release(release))
    desired = {}
    for secret in SETTINGS["secrets"]:
        desired.update(attempt("the secret " + secret["arn"], lambda: fetch_secret(secret["arn"], secret["version"])))
    # Before the server is there: nobody ever meets it with another certificate, or without its users.
    run([release, "apply"], input=json.dumps(desired).encode())
    run([release, "install", "--mode", "service", "--sha256", SETTINGS["sha256"], "--health-timeout", "60",
         "--listeners", ",".join(map(str, SETTINGS["listeners"]))], stdin=subprocess.DEVNULL)


def start(folder):
    try:
        main(folder)
        say("a server of the fleet " + SETTINGS["fleet"])
    except Failure as failure:
        say("FAILED: this instance is no server of the fleet %s: %s" % (SETTINGS["fleet"], failure))
        sys.exit(1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    os.umask(0o077)
    os.makedirs("/opt", mode=0o755, exist_ok=True)
    start(tempfile.mkdtemp(prefix=".vpnserver-boot-", dir="/opt"))
`;
}
