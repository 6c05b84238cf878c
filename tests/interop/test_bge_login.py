"""bge login, token, logout, profile and whoami; and ~/.bge, which the official command shares."""
import json
import os
import pty
import select
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from program import Bge, Official, mode


@pytest.fixture
def bge(sandbox, tmp_path):
    return Bge(sandbox, tmp_path / "home", signed_in=False)


@pytest.fixture
def official(sandbox, bge):
    return Official(sandbox, bge.home, BROWSER="true")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def redirected(sandbox, address, extra=None):
    """Where the platform's page leads a person to who agrees."""
    extra = sandbox.ready["authorization_extra_query"] if extra is None else extra
    try:
        urllib.request.build_opener(NoRedirect).open(f"{address}&{extra}")
    except urllib.error.HTTPError as answer:
        return answer.headers["Location"]
    raise AssertionError("no redirect")


def application(sandbox, kind="authorization"):
    return {f"BGE_{name.upper()}": value for name, value in sandbox.ready[kind].items()}


def begun(bge, *arguments, **environment):
    """A login under way, and the page's address."""
    process = subprocess.Popen(
        bge.words("login", *arguments), cwd=bge.home, env=dict(bge.environment, BROWSER="", **environment),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for line in process.stderr:
        if line.strip().startswith("http"):
            return process, line.strip()
    raise AssertionError(process.wait())


def ended(process, text=""):
    out, err = process.communicate(text, timeout=60)
    return process.returncode, out + err


def test_the_browser_comes_back_to_this_machine(bge, official):
    ready = bge.sandbox.ready
    browser = bge.home / "browser.py"
    browser.write_text(
        "import sys, urllib.request\n"
        f"page = urllib.request.urlopen(sys.argv[1] + '&{ready['authorization_extra_query']}').read()\n"
        f"open({str(bge.home / 'page.html')!r}, 'wb').write(page)\n"
    )
    done = bge("login", "--scopes", "profile samples", BROWSER=f"{sys.executable} {browser} %s",
               **application(bge.sandbox))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and "Signed in" in done.stderr
    stored = bge.stored()
    assert set(stored) == {"OAuth2", "Token"}
    assert stored["OAuth2"] == dict(ready["authorization"], endpoint=ready["endpoint"])
    token = stored["Token"]
    assert all(isinstance(value, str) for value in token.values())
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", "21600", "profile samples")
    assert token["refresh_token"] and token["access_token"] not in done.stderr
    assert (mode(bge.folder()), mode(bge.folder() / "default.json")) == (0o700, 0o600)
    assert sorted(path.name for path in bge.folder().iterdir()) == ["activate_project", "default.json"]

    # a new token for the refresh token, which is good once
    bge.good("login", "--renew")
    assert bge.stored()["Token"]["refresh_token"] != token["refresh_token"]
    assert bge.stored()["Token"]["access_token"] != token["access_token"]
    renewed, token = bge.stored(), bge.stored()["Token"]
    bge.store(**dict(renewed, Token=dict(token, refresh_token="spent")))
    bge.fails(65, "400", "login", "--renew")
    assert bge.stored()["Token"] == dict(token, refresh_token="spent")
    bge.store(**dict(renewed, Token={}))
    bge.fails(65, "no refresh token", "login", "--renew")
    bge.store(**renewed)

    # the official command goes on with it, and so does the library
    user, projects, shown = official.each(("api", "get_user"), ("config", "list"), ("config", "show"))
    assert json.loads(user)["username"] == "zhangsan"
    assert "default" in projects and "Y" in projects and token["refresh_token"] in shown
    assert bge.json("call", "get_user")["username"] == "zhangsan"
    for _ in range(100):
        if (bge.home / "page.html").exists():
            break
        time.sleep(0.05)
    assert b"Signed in" in (bge.home / "page.html").read_bytes()


def test_the_code_is_typed_where_the_application_has_its_own_address(bge):
    ready = bge.sandbox.ready
    own = ready["redirect_uri"]
    for how in (lambda url: url, lambda url: urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["code"][0]):
        process, address = begun(bge, own, "--profile", "Work", **application(bge.sandbox))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
        assert query["redirect_uri"] == [own] and len(query["state"][0]) == 32
        status, told = ended(process, "\n" + how(redirected(bge.sandbox, address)) + "\n")
        assert status == 0, told
    assert bge.stored("work")["Token"]["access_token"]
    assert (bge.folder() / "activate_project").read_bytes() == b"work"
    # nobody types anything; another sign-in's answer; a person who says no; a code that is no good
    process, _ = begun(bge, own)
    assert (ended(process)[0], process.stdin.closed) == (65, True)
    process, address = begun(bge, own)
    strange = redirected(bge.sandbox, address).replace("state=", "state=0")
    status, told = ended(process, strange + "\n")
    assert status == 1 and "another sign-in" in told
    process, address = begun(bge, own)
    status, told = ended(process, redirected(bge.sandbox, address, "login=zhangsan&approve=0") + "\n")
    assert status == 1 and "access_denied" in told
    process, _ = begun(bge, own)
    status, told = ended(process, "nonsense\n")
    assert status != 0 and "400" in told


def test_what_comes_to_the_address_on_this_machine_by_itself_is_nothing(bge):
    process, address = begun(bge, "--wait", "30", **application(bge.sandbox))
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
    here = query["redirect_uri"][0]
    assert here.startswith("http://127.0.0.1:") and here.endswith("/callback")
    for wrong in (f"{here}?code=abc", f"{here[:-8]}favicon.ico", f"{here}x?code=abc&state={query['state'][0]}"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(wrong)
        assert refused.value.code == 404
    urllib.request.urlopen(redirected(bge.sandbox, address))
    assert ended(process)[0] == 0
    # nobody comes
    done = bge("login", "--wait", "0.2", "--no-browser", **application(bge.sandbox))
    assert (done.returncode, "nobody signed in" in done.stderr) == (75, True)


def test_an_applications_own_token_and_whose_it_is(bge, official):
    ready = bge.sandbox.ready
    client = application(bge.sandbox, "credentials")
    (bge.home / "secret").write_text(ready["credentials"]["client_secret"] + "\r\n")
    bge.good("token", "--client-id", ready["credentials"]["client_id"], "--client-secret-file", "secret")
    first = bge.stored()["Token"]
    assert "refresh_token" not in first
    whoami = bge.json("whoami", "--json")
    assert whoami["client_id"] == client["BGE_CLIENT_ID"] and whoami["grant"] == "client_credentials"
    assert whoami["source"] == str(bge.folder() / "default.json") and whoami["active"] is True
    assert whoami["endpoint"].rstrip("/") == ready["endpoint"] and 21000 < whoami["expires_in"] <= 21600
    # the application of the profile is used again; only the token is printed
    again = bge.good("token", "--print")
    assert again == bge.stored()["Token"]["access_token"] + "\n" != first["access_token"] + "\n"
    assert official.each(("token",))[0].count(bge.stored()["Token"]["access_token"]) == 1
    third = bge.stored()["Token"]["access_token"]
    assert third + "\n" != again
    assert bge.json("call", "get_samples", "--limit", 1)["result"]
    # other sources
    told = bge.good("whoami", BGE_ACCESS_TOKEN=ready["access_token"])
    assert "BGE_ACCESS_TOKEN" in told and "zhangsan" in told and "samples" in told
    assert "BGE_CLIENT_ID and BGE_CLIENT_SECRET" in bge.good("whoami", **client)
    assert "凭证来源" in bge.good("--lang", "zh", "whoami")
    bge.sandbox.control("POST", "expire", {"what": "access_tokens"})
    bge.fails(77, "wrong or expired", "whoami", BGE_ACCESS_TOKEN=ready["access_token"])
    # a person's token is not left beside the application's
    stored = bge.stored()
    stored["Token"]["refresh_token"] = "left over"
    bge.store(**stored)
    bge.good("token")
    assert "refresh_token" not in bge.stored()["Token"]
    bge.good("logout")
    assert set(bge.stored()) == {"OAuth2"}
    bge.fails(65, "no profile nowhere", "logout", "--profile", "nowhere")


def test_secrets_are_no_arguments_and_are_typed_unseen(bge):
    ready = bge.sandbox.ready
    bge.fails(65, "unexpected argument", "token", "--client-secret", "x")
    bge.fails(65, "no terminal", "token", "--client-id", "x")
    secret = ready["credentials"]["client_secret"]
    bge.good("token", "--client-id", ready["credentials"]["client_id"], "--client-secret-file", "-", text=secret)
    (bge.folder() / "default.json").unlink()

    child, terminal = pty.fork()
    if child == 0:
        os.execve(bge.words()[0], bge.words("token"), bge.environment)
    shown = b""
    for question, answer in ((b"client_id", ready["credentials"]["client_id"]), (b"client_secret", secret)):
        while question not in shown:
            assert select.select([terminal], [], [], 30)[0], shown
            shown += os.read(terminal, 4096)
        # the question is there before the terminal stops to show what is typed
        time.sleep(0.3)
        os.write(terminal, answer.encode() + b"\n")
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert secret.encode() not in shown and bge.stored()["OAuth2"]["client_secret"] == secret


def test_profiles_are_shared_with_the_official_command(bge, official):
    ready = bge.sandbox.ready
    # theirs: read by ours
    official.store("theirs", OAuth2=dict(ready["credentials"], endpoint=ready["endpoint"]), Model={"kept": True})
    official.folder().joinpath("activate_project").write_text("theirs")
    official.each(("token",))
    elsewhere = {"BGE_ENDPOINT": ""}
    assert bge.json("whoami", "--json", **elsewhere)["client_id"] == ready["credentials"]["client_id"]
    # ours: used by theirs
    bge.good("profile", "add", "OURS", **application(bge.sandbox, "credentials"))
    assert bge.good("profile", "list") == "  ours\n* theirs\n"
    bge.good("profile", "use", "ours")
    printed = official.each(("token",), ("config", "list"), ("workon", "theirs"))
    assert "ours" in printed[1] and "theirs" in printed[1]
    assert bge.stored("ours")["Token"]["access_token"] in printed[0]
    assert bge.json("profile", "list", "--json") == [
        {"name": "ours", "active": False}, {"name": "theirs", "active": True},
    ]
    bge.good("token", "--profile", "theirs")
    assert bge.stored("theirs")["Model"] == {"kept": True}
    assert mode(bge.folder() / "theirs.json") == 0o600
    # shown without its secrets
    for words in (("profile", "show"), ("config", "show", "theirs"), ("profile", "show", "--json")):
        shown = bge.good(*words)
        assert ready["credentials"]["client_id"] in shown and ready["endpoint"] in shown
        assert ready["credentials"]["client_secret"] not in shown
        assert bge.stored("theirs")["Token"]["access_token"] not in shown
    # what cannot be
    bge.fails(65, "exists already", "profile", "add", "ours", **application(bge.sandbox))
    bge.fails(65, "active profile", "profile", "remove", "theirs", "--yes")
    bge.fails(65, "no terminal", "profile", "remove", "ours")
    bge.fails(65, "no profile nobody", "profile", "use", "nobody")
    bge.fails(65, "not a path", "profile", "add", "../x", **application(bge.sandbox))
    bge.good("profile", "remove", "ours", "--yes")
    assert bge.good("workon") == "* theirs\n"


def test_an_older_profile_is_read_and_becomes_one_of_today(bge, official):
    ready = bge.sandbox.ready
    bge.folder().mkdir()
    text = "[OAuth2]\n" + "".join(f"{name} = {value}\n" for name, value in ready["credentials"].items())
    (bge.folder() / "default.ini").write_text(f"{text}endpoint = {ready['endpoint']}\n")
    elsewhere = {"BGE_ENDPOINT": ""}
    assert bge.json("whoami", "--json", **elsewhere)["source"].endswith("default.ini")
    bge.good("token", **elsewhere)
    assert sorted(path.name for path in bge.folder().iterdir()) == ["default.ini.bak", "default.json"]
    assert bge.stored()["OAuth2"] == dict(ready["credentials"], endpoint=ready["endpoint"])
    assert json.loads(official.each(("api", "get_samples", "-n", "1"))[0])["result"]
