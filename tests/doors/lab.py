"""What the tests of the doors share: TAP, a folder, programs that end with the test, files with
modes, certificates."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DOCUMENTS = os.path.join(ROOT, "data", "redfish-gb300", "documents.tar.gz")
STANDIN = os.path.join(ROOT, "tests", "standin", "redfish", "redfish.py")
WAIT_S = 60


class Skip(Exception):
    pass


class Lab:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mw-doors-")
        self.ends = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def secret(self, name, mode=0o600, **words):
        return self.write(name, "".join(f"{k} = {v}\n" for k, v in words.items()), mode)

    def start(self, *argv, **more):
        process = subprocess.Popen(argv, text=True, **more)
        self.ends.append(process)
        return process

    def end(self):
        for process in reversed(self.ends):
            if hasattr(process, "stop"):
                process.stop()
            elif process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def certificate(self):
        """A CA, and a server's key and certificate for 127.0.0.1 by it."""
        run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subprocess.run(["openssl", "req", "-x509", *curve, "-keyout", self.path("ca.key"), "-out",
                        self.path("ca.pem"), "-subj", "/CN=test CA", "-days", "2"], **run)
        subprocess.run(["openssl", "req", *curve, "-keyout", self.path("bmc.key"), "-out",
                        self.path("bmc.csr"), "-subj", "/CN=bmc"], **run)
        names = self.write("names", "subjectAltName=IP:127.0.0.1\n")
        subprocess.run(["openssl", "x509", "-req", "-in", self.path("bmc.csr"), "-CA",
                        self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-CAcreateserial",
                        "-out", self.path("bmc.pem"), "-days", "2", "-extfile", names], **run)

    def fingerprint(self):
        key = subprocess.run(["openssl", "x509", "-in", self.path("bmc.pem"), "-pubkey", "-noout"],
                             check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True,
                             capture_output=True).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, check=True,
                                capture_output=True).stdout
        import base64
        return "sha256//" + base64.b64encode(digest).decode()

    def redfish(self, count=1, tls=True, *more):
        """Stand-in BMCs; their ports."""
        argv = [sys.executable, STANDIN, DOCUMENTS, "--count", str(count), "--user", "admin",
                "--password", 'p"w \\d', "--delay", "0.3", *more]
        if tls:
            argv += ["--cert", self.path("bmc.pem"), "--key", self.path("bmc.key")]
        process = self.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return json.loads(process.stdout.readline())["ports"]

    def bmc(self, port, order=None):
        """Tells a stand-in something, or asks it what it has seen."""
        import ssl
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        body = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"https://127.0.0.1:{port}/standin", data=body)
        with urllib.request.urlopen(request, context=context, timeout=WAIT_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def wait(what, seconds=WAIT_S):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come in time")


def run_all(tests):
    """Each test with a lab of its own, as TAP; the exit status."""
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        lab, name = Lab(), test.__name__.replace("_", " ")
        try:
            test(lab)
            print(f"ok {number} - {name}", flush=True)
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {name}", flush=True)
        finally:
            lab.end()
    return 1 if failed else 0
