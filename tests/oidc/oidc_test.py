#!/usr/bin/python3
"""Logins against a real identity provider: a browser's, a terminal's, and those to refuse.

usage: oidc_test.py MW

Starts tests/oidc/provider.mjs (oidc-provider, from npm) and `mw serve --oidc` on loopback in a
folder of their own, and walks through the provider's pages as a person with a browser would.
Prints TAP.
"""
import base64
import http.client
import http.cookiejar
import html
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
SECRET = "a secret: with signs & spaces"
WAIT_S = 60  # for anything; a machine under load is slow


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.url = response.url
        self.text = response.read().decode("utf-8", "replace")

    def json(self):
        return json.loads(self.text)

    @property
    def location(self):
        return urllib.parse.urljoin(self.url, self.headers.get("Location", ""))


class Browser:
    """Keeps cookies, follows no redirect by itself."""

    def __init__(self):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), NoRedirect(),
            urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, url, body=None, headers=None, method=None):
        # A fragment is never sent.
        request = urllib.request.Request(url.split("#")[0], body, headers or {}, method=method)
        try:
            return Answer(self.opener.open(request, timeout=WAIT_S))
        except urllib.error.HTTPError as e:
            return Answer(e)

    def post(self, url, o, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.ask(url, json.dumps(o).encode(),
                        {"Content-Type": "application/json", **headers})

    def cookie(self, name):
        return next((c.value for c in self.jar if c.name == name), None)

    def follow(self, a, until):
        """Through redirects, until one leads to a place that begins with `until`."""
        for _ in range(20):
            if a.status not in (302, 303) or a.location.startswith(until):
                return a
            a = self.ask(a.location)
        raise AssertionError("too many redirects")

    def through_pages(self, a, until, login):
        """Fills in and sends the provider's forms, as a person would."""
        for _ in range(20):
            a = self.follow(a, until)
            if a.status in (302, 303):
                return a
            form = re.search(r'(?s)<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', a.text)
            if form is None:
                return a
            fields = dict(re.findall(r'name="([^"]+)"[^>]*?value="([^"]*)"', form.group(2)))
            if 'name="login"' in form.group(2):
                fields.update(login=login, password="x")
            fields = {k: html.unescape(v) for k, v in fields.items()}
            a = self.ask(html.unescape(form.group(1)), urllib.parse.urlencode(fields).encode(),
                         {"Content-Type": "application/x-www-form-urlencoded"})
        raise AssertionError("too many pages")


class Lab:
    """The provider and the daemon."""

    def __init__(self, mw):
        self.mw = os.path.abspath(mw)
        self.folder = tempfile.mkdtemp(prefix="mw-oidc-")
        self.env = {**os.environ, "XDG_CONFIG_HOME": self.folder, "XDG_STATE_HOME": self.folder,
                    "XDG_RUNTIME_DIR": self.folder}
        self.env.pop("MW_CONTEXT", None)
        self.provider = self.daemon = None
        self.browser = Browser()  # of the tests themselves

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def start_provider(self):
        self.provider = subprocess.Popen(
            ["node", os.path.join(HERE, "provider.mjs")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=open(self.path("provider.log"), "w"), text=True)
        self.issuer = self.provider.stdout.readline().strip()
        assert self.issuer.startswith("http://127.0.0.1:"), "the provider did not start"

    def config(self, **more):
        rows = {"issuer": self.issuer, "client_id": "millwright",
                "client_secret_file": "secret", "scopes": "openid profile email groups", **more}
        return "".join(f"{k}: {v}\n" for k, v in rows.items()) + (
            "grants:\n"
            "  - {group: ops, roles: [operator], halls: [h01]}\n"
            "  - {group: acme, roles: [user], tenants: [7]}\n")

    def start_daemon(self):
        self.write("secret", SECRET + "\n", 0o600)
        self.write("oidc.yaml", self.config())
        site = subprocess.run([self.mw, "site", "new", "--gpus", "16"], env=self.env, check=True,
                              capture_output=True, text=True).stdout
        self.write("site.yaml", site)
        log = open(self.path("serve.log"), "w", encoding="utf-8")
        self.daemon = subprocess.Popen(
            [self.mw, "serve", "--site", "site.yaml", "--no-slurm", "--journal", "journal",
             "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--socket", "mw.sock",
             "--oidc", "oidc.yaml", "--for", "15min"],
            cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and self.daemon.poll() is None:
            said = re.search(r"open (http://\S+?/)#", self.read("serve.log"))
            if said:
                self.url = said.group(1)
                return
            time.sleep(0.05)
        raise AssertionError("the daemon did not start: " + self.read("serve.log"))

    def tell_provider(self, path, **o):
        return self.browser.post(f"{self.issuer}/_test/{path}", o).json()

    def start(self):
        self.start_provider()
        self.start_daemon()
        self.tell_provider("start", console=self.url)

    def stop(self):
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(WAIT_S)
        if self.provider is not None:
            self.provider.stdin.close()
            self.provider.wait(WAIT_S)
        shutil.rmtree(self.folder)

    def begin(self, browser, to=None):
        """Until the provider's pages: its redirect is not followed yet."""
        query = "?" + urllib.parse.urlencode({"to": to}) if to else ""
        a = browser.ask(self.url + "login/oidc" + query)
        assert a.status == 303, f"{a.status}: {a.text}"
        assert a.location.startswith(self.issuer + "/auth?"), a.location
        return a

    def at_return(self, browser, login, to=None):
        """The redirect that would bring the browser back to us."""
        a = browser.through_pages(self.begin(browser, to), self.url, login)
        assert a.location.startswith(self.url + "login/oidc/return?"), a.location
        return a.location

    def login(self, browser, login, to=None):
        return browser.ask(self.at_return(browser, login, to))

    def audit(self):
        return [json.loads(line) for line in self.read("journal/audit.log").splitlines()]

    def run(self, *arguments, **options):
        return subprocess.run([self.mw, *arguments], cwd=self.folder, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=WAIT_S, check=False, **options)


def equal(a, b):
    assert a == b, f"{a!r} is not {b!r}"


def refused(lab, browser, answer, word):
    equal(answer.status, 303)
    equal(answer.location, f"{lab.url}#/login?failed={word}")
    assert not browser.cookie("mw_session"), "a session was given"
    equal(lab.audit()[-1]["status"], 403)
    equal(lab.audit()[-1]["who"], None)


def someone_of_a_group_gets_its_roles_and_halls(lab):
    b = Browser()
    a = lab.login(b, "ada", "/nodes/n3?tab=tests")
    equal(a.status, 303)
    equal(a.location, lab.url + "#/nodes/n3?tab=tests")
    cookies = a.headers.get_all("Set-Cookie")
    session = next(c for c in cookies if c.startswith("mw_session="))
    assert "HttpOnly" in session and "SameSite=Strict" in session and "Path=/;" in session, session
    s = b.ask(lab.url + "api/v1/session").json()
    equal((s["name"], s["roles"], s["halls"], s["tenants"]), ("ada", ["operator"], ["h01"], []))
    assert s["actor"] >= 2**31 and "operate" in s["permissions"] and s["csrf"]
    line = lab.audit()[-1]
    equal((line["who"], line["actor"], line["status"]), ("ada", s["actor"], 303))


def the_same_person_keeps_her_number(lab):
    numbers = []
    for _ in range(2):
        b = Browser()
        lab.login(b, "ada")
        numbers.append(b.ask(lab.url + "api/v1/session").json()["actor"])
    equal(numbers[0], numbers[1])


def another_group_is_another_role_and_no_group_is_refused(lab):
    b = Browser()
    lab.login(b, "bob")
    s = b.ask(lab.url + "api/v1/session").json()
    equal((s["roles"], s["tenants"]), (["user"], [7]))
    assert "operate" not in s["permissions"]
    b = Browser()
    refused(lab, b, lab.login(b, "eve"), "denied")
    assert "no group" in lab.audit()[-1]["detail"], lab.audit()[-1]


def a_return_works_once(lab):
    b = Browser()
    back = lab.at_return(b, "ada")
    cookies = {c.name: c.value for c in b.jar if c.name == "mw_login"}
    equal(b.ask(back).status, 303)
    assert b.cookie("mw_session")
    again = Browser()
    a = again.ask(back, headers={"Cookie": f"mw_login={cookies['mw_login']}"})
    refused(lab, again, a, "expired")


def a_return_belongs_to_the_browser_that_began(lab):
    b = Browser()
    back = lab.at_return(b, "ada")
    stranger = Browser()  # login CSRF: somebody else's link
    refused(lab, stranger, stranger.ask(back), "expired")
    other = Browser()
    lab.begin(other)
    refused(lab, other, other.ask(back), "expired")


def a_code_works_once_and_for_its_own_login_only(lab):
    b = Browser()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(lab.at_return(b, "ada")).query))
    other = Browser()  # has a login of its own, and a stolen code
    mine = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(lab.begin(other).location).query))
    query["state"] = mine["state"]
    a = other.ask(lab.url + "login/oidc/return?" + urllib.parse.urlencode(query))
    refused(lab, other, a, "denied")  # the verifier is another's (PKCE)


def the_question_is_as_it_must_be(lab):
    q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(lab.begin(Browser()).location).query))
    r = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(lab.begin(Browser()).location).query))
    equal((q["response_type"], q["code_challenge_method"]), ("code", "S256"))
    equal(q["redirect_uri"], lab.url + "login/oidc/return")
    for word in ("state", "nonce", "code_challenge"):
        assert len(q[word]) == 43 and q[word] != r[word], word


def nobody_is_sent_elsewhere(lab):
    for to in ("//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example",
               "/x\r\nSet-Cookie: a=b", "javascript:alert(1)", "/" + "a" * 300):
        a = lab.login(Browser(), "ada", to)
        equal(a.headers.get("Location"), "/#/")
        assert not any("a=b" in c for c in a.headers.get_all("Set-Cookie"))


def another_providers_answer_is_refused(lab):
    b = Browser()
    back = lab.at_return(b, "ada")
    for wrong in (re.sub(r"iss=[^&]+", "iss=http%3A%2F%2F127.0.0.1%3A1", back),):
        refused(lab, b, b.ask(wrong), "denied")
    b = Browser()
    back = lab.at_return(b, "ada")
    refused(lab, b, b.ask(re.sub(r"&?iss=[^&]+", "", back)), "denied")


def who_cancels_comes_back_without_a_session(lab):
    b = Browser()
    q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(lab.begin(b).location).query))
    a = b.ask(lab.url + "login/oidc/return?" + urllib.parse.urlencode(
        {"error": "access_denied", "state": q["state"], "iss": lab.issuer}))
    refused(lab, b, a, "cancelled")


def tampered(mode, says):
    def test(lab):
        lab.tell_provider("mode", mode=mode)
        try:
            b = Browser()
            refused(lab, b, lab.login(b, "ada"), "denied")
            assert says in lab.audit()[-1]["detail"], lab.audit()[-1]["detail"]
        finally:
            lab.tell_provider("mode", mode="good")
    return test


def a_new_key_is_known_at_once(lab):
    lab.tell_provider("rotate", alg="ES256")
    b = Browser()
    lab.login(b, "ada")
    assert b.cookie("mw_session")


def a_forgers_key_names_make_nobody_ask_for_keys_again_and_again(lab):
    before = lab.tell_provider("count")["keysAsked"]
    for _ in range(3):
        tampered("unknown-kid", "no key")(lab)
    assert lab.tell_provider("count")["keysAsked"] <= before + 1


def the_providers_token_is_no_bearer(lab):
    token = ".".join(base64.urlsafe_b64encode(json.dumps(o).encode()).decode().rstrip("=")
                     for o in ({"alg": "none"}, {"sub": "ada", "iss": lab.issuer})) + ".x"
    a = Browser().ask(lab.url + "api/v1/session", headers={"Authorization": "Bearer " + token})
    equal(a.status, 401)


def device_begin(lab):
    d = Browser().post(lab.url + "api/v1/login/device", {})
    equal(d.status, 200)
    return d.json()


def device_poll(lab, d):
    """Asks until it is decided; a person needs longer than the interval, and so does this."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        a = Browser().post(lab.url + "api/v1/login/device/token", {"login": d["login"]})
        if a.status == 429 or (a.status == 200 and a.json()["pending"]):
            time.sleep(1)
            continue
        return a
    raise AssertionError("never decided")


def approve(lab, d, login):
    b = Browser()
    page = b.through_pages(b.ask(d["verification_uri_complete"]), lab.url, login)
    equal(page.status, 200)
    assert "Sign-in Success" in page.text, page.text


def a_terminal_gets_a_token_of_ours_for_a_shift(lab):
    d = device_begin(lab)
    first = Browser().post(lab.url + "api/v1/login/device/token", {"login": d["login"]})
    equal((first.status, first.json()["pending"]), (200, True))
    soon = Browser().post(lab.url + "api/v1/login/device/token", {"login": d["login"]})
    equal(soon.status, 429)
    approve(lab, d, "ada")
    a = device_poll(lab, d)
    equal(a.status, 200)
    said = a.json()
    assert re.fullmatch(r"mwt_[0-9a-z]{8}_[0-9A-Za-z]{49}", said["token"])
    bearer = {"Authorization": "Bearer " + said["token"]}
    s = Browser().ask(lab.url + "api/v1/session", headers=bearer).json()
    equal((s["name"], s["roles"], s["csrf"]), ("ada", ["operator"], None))
    assert s["expires"] is not None
    again = Browser().post(lab.url + "api/v1/login/device/token", {"login": d["login"]})
    equal(again.status, 404)
    out = Browser().ask(lab.url + "api/v1/session", headers=bearer, method="DELETE")
    equal(out.status, 200)
    equal(Browser().ask(lab.url + "api/v1/session", headers=bearer).status, 401)


def a_terminal_of_nobody_we_know_gets_none(lab):
    d = device_begin(lab)
    approve(lab, d, "eve")
    a = device_poll(lab, d)
    equal((a.status, a.json()["code"]), (403, "MW_EDENIED"))
    equal(Browser().post(lab.url + "api/v1/login/device/token", {"login": "guess"}).status, 404)


def mw_login_keeps_a_token_for_its_context(lab):
    equal(lab.run("context", "add", "lab", "--url", lab.url.rstrip("/"), "--no-use").returncode, 0)
    p = subprocess.Popen([lab.mw, "login", "--context", "lab"], cwd=lab.folder, env=lab.env,
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in p.stderr:
        said += line
        found = re.search(r"(http://\S+user_code=\S+)", line)
        if found:
            approve(lab, {"verification_uri_complete": found.group(1)}, "ada")
            break
    said += p.stderr.read()
    equal((p.wait(WAIT_S), said if p.returncode else ""), (0, ""))
    assert "mwt_" not in said, said
    context = json.loads(lab.run("context", "show", "lab", "--json").stdout)
    assert stat.S_IMODE(os.stat(context["token_file"]).st_mode) == 0o600
    status = lab.run("status", "--context", "lab", "--json")
    equal((status.returncode, json.loads(status.stdout)["site"][:4]), (0, "hgx-"))
    equal(lab.run("logout", "--context", "lab").returncode, 0)
    assert lab.run("status", "--context", "lab").returncode != 0
    assert not os.path.exists(context["token_file"])


def mistakes_in_the_file_are_named_with_their_place(lab):
    for text, says in ((lab.config().replace("scopes", "scope"), "bad.yaml:4:1: "),
                       (lab.config(issuer="http://id.example"), "bad.yaml:1:9: issuer"),
                       (lab.config(client_secret_file="nowhere"), "nowhere")):
        lab.write("bad.yaml", text)
        r = lab.run("serve", "--site", "site.yaml", "--no-slurm", "--journal", "other", "--listen",
                    "127.0.0.1:0", "--http", "127.0.0.1:0", "--socket", "other.sock", "--oidc",
                    "bad.yaml", "--for", "1s")
        assert r.returncode != 0 and says in r.stderr, (r.returncode, r.stderr)


def nothing_secret_is_written_down(lab):
    seen = lab.read("serve.log") + lab.read("journal/audit.log") + lab.read("journal/access.json")
    assert SECRET not in seen and not re.search(r"mwt_[0-9a-z]{8}_", seen)
    assert "code_verifier" not in seen and "eyJ" not in seen
    r = lab.run("audit", "verify", "--journal", "journal", "--json")
    equal((r.returncode, json.loads(r.stdout)["whole"]), (0, True))


def the_daemon_ends_cleanly(lab):
    lab.daemon.terminate()
    equal((lab.daemon.wait(WAIT_S), "ERROR" in lab.read("serve.log")), (0, False))
    lab.daemon = None


def a_provider_that_is_gone_is_said_so(lab):
    b = Browser()
    back = lab.at_return(b, "ada")
    lab.provider.stdin.close()
    lab.provider.wait(WAIT_S)
    refused(lab, b, b.ask(back), "provider")
    lab.provider = None


TESTS = [
    someone_of_a_group_gets_its_roles_and_halls,
    the_same_person_keeps_her_number,
    another_group_is_another_role_and_no_group_is_refused,
    a_return_works_once,
    a_return_belongs_to_the_browser_that_began,
    a_code_works_once_and_for_its_own_login_only,
    the_question_is_as_it_must_be,
    nobody_is_sent_elsewhere,
    another_providers_answer_is_refused,
    who_cancels_comes_back_without_a_session,
    ("a token of another login is refused (nonce)", tampered("nonce", "another login")),
    ("a token of no login is refused (no nonce)", tampered("no-nonce", "another login")),
    ("a token for another program is refused (aud)", tampered("aud", "another program")),
    ("a token of another provider is refused (iss)", tampered("iss", "another provider")),
    ("a token that has expired is refused", tampered("expired", "expired")),
    ("a token of the future is refused (nbf)", tampered("future", "future")),
    ("a token without a signature is refused (alg none)", tampered("none", "no signed")),
    ("a token signed with the public key is refused (HS256)", tampered("hs256", "algorithm")),
    ("a token of a forger with our key's name is refused", tampered("other-key", "signature")),
    ("an answer without a token is refused", tampered("no-token", "no ID token")),
    a_new_key_is_known_at_once,
    a_forgers_key_names_make_nobody_ask_for_keys_again_and_again,
    the_providers_token_is_no_bearer,
    a_terminal_gets_a_token_of_ours_for_a_shift,
    a_terminal_of_nobody_we_know_gets_none,
    mw_login_keeps_a_token_for_its_context,
    mistakes_in_the_file_are_named_with_their_place,
    nothing_secret_is_written_down,
    a_provider_that_is_gone_is_said_so,
    the_daemon_ends_cleanly,
]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lab, failed = Lab(sys.argv[1]), 0
    try:
        lab.start()
        for number, test in enumerate(TESTS, 1):
            name, run = test if isinstance(test, tuple) else (test.__name__.replace("_", " "),
                                                              test)
            try:
                run(lab)
                print(f"ok {number} - {name}", flush=True)
            except (AssertionError, KeyError, OSError, ValueError, http.client.HTTPException,
                    subprocess.SubprocessError) as e:
                failed += 1
                print(f"not ok {number} - {name}")
                for line in (traceback.format_exc() + repr(e)).splitlines():
                    print(f"# {line}", flush=True)
    finally:
        lab.stop()
    print(f"1..{len(TESTS)}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
