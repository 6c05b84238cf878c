"""bge doctor: one fault at a time, named rightly, and nothing else with it."""
import email.utils
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from conftest import Failed
from program import Bge

ALL = [
    "name_lookup", "addresses", "proxy", "tls", "platform", "clock", "credentials", "scopes", "object_store",
    "round_trip", "key_service", "rate_limit",
]


@pytest.fixture
def bge(sandbox, tmp_path):
    return Bge(sandbox, tmp_path / "home")


class Report:
    def __init__(self, bge, *arguments, **environment):
        self.done = bge("--timeout", 3, "doctor", "--json", *arguments, **environment)
        assert self.done.stdout, self.done.stderr
        told = json.loads(self.done.stdout)
        self.checks = {check["name"]: check for check in told["checks"]}
        assert [check["name"] for check in told["checks"]] == ALL
        for check in self.checks.values():
            assert check["state"] in ("ok", "warning", "failed", "skipped"), check
            assert (check["hint"] is not None) == (check["state"] in ("warning", "failed")), check
            assert check["detail"], check
        self.wrong = {name: check["state"] for name, check in self.checks.items() if check["hint"]}
        assert self.done.returncode == (1 if "failed" in self.wrong.values() else 0)
        for secret in (bge.sandbox.ready["access_token"], *bge.sandbox.ready["credentials"].values()):
            if secret != bge.sandbox.ready["credentials"]["client_id"]:
                assert secret not in self.done.stdout + self.done.stderr

    def only(self, name, state, *parts):
        assert self.wrong == {name: state}, self.done.stdout
        check = self.checks[name]
        for part in parts:
            assert part in check["detail"] + check["hint"], check

    def state(self, name):
        return self.checks[name]["state"]


def fault(bge, **plan):
    bge.sandbox.control("POST", "faults", dict({"side": "platform", "count": 0}, **plan))


@pytest.fixture
def listen():
    """A server on this machine that answers with `handler`."""
    servers = []

    def listen(handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1]

    yield listen
    for server in servers:
        server.shutdown()


def test_nothing_is_wrong(bge):
    report = Report(bge, "--cmk-id", bge.sandbox.ready["kms"]["key_id"], "--kms-endpoint",
                    bge.sandbox.ready["kms"]["endpoint"])
    assert report.wrong == {}
    assert {name for name in ALL if report.state(name) == "skipped"} == {"tls"}
    assert "1 MiB" in report.checks["round_trip"]["detail"]
    assert "files" in report.checks["scopes"]["detail"].split()
    assert "BGE_ACCESS_TOKEN" in report.checks["credentials"]["detail"]
    objects = [one for one in bge.sandbox.control("GET", "log?side=store&method=PUT")["requests"]]
    assert len(objects) == 1 and objects[0]["segments"][-1].endswith("/bge-doctor.bin")
    # nothing is written where nothing may be
    report = Report(bge, "--no-round-trip")
    assert report.wrong == {} and report.state("round_trip") == report.state("key_service") == "skipped"
    assert len(bge.sandbox.control("GET", "log?side=store&method=PUT")["requests"]) == 1
    # for people
    printed = bge.good("doctor")
    assert "ok" in printed and "round trip" in printed and "\x1b" not in printed
    assert "正常" in (chinese := bge.good("doctor", LANG="zh_CN.UTF-8")) and "上传下载" in chinese
    assert "内容一致" in bge.good("--lang", "zh", "doctor", "--json")


def test_a_name_that_nobody_knows(bge):
    Report(bge, BGE_ENDPOINT="http://no-such-host.invalid:8080").only(
        "name_lookup", "failed", "no-such-host.invalid", "resolv.conf")


def test_a_port_where_nobody_listens(bge):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        Report(bge, BGE_ENDPOINT=endpoint).only("addresses", "failed", "refused", "firewall")


def test_a_proxy_that_is_not_there(bge):
    for variable, value in (("http_proxy", "http://127.0.0.1:1"), ("ALL_PROXY", "socks5h://127.0.0.1:1")):
        report = Report(bge, **{variable: value})
        report.only("proxy", "failed", variable, "the proxy", "127.0.0.1:1")
        assert report.state("name_lookup") == "skipped"
    # it is told why none is used
    report = Report(bge, http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1")
    assert report.wrong == {} and "http_proxy" in report.checks["proxy"]["detail"]


def test_a_proxy_that_wants_a_password(bge, listen):
    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="lab"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    report = Report(bge, http_proxy=f"http://me:geheim@127.0.0.1:{listen(Proxy)}")
    report.only("proxy", "failed", "user and password", "http_proxy")
    assert "geheim" not in report.done.stdout


def test_a_certificate_of_an_unknown_authority(bge, tmp_path):
    authority, authority_key = tmp_path / "authority.pem", tmp_path / "authority.key"
    certificate, key = tmp_path / "certificate.pem", tmp_path / "certificate.key"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    for words in (
        ["-subj", "/CN=lab", "-keyout", authority_key, "-out", authority],
        ["-subj", "/CN=gateway", "-keyout", key, "-out", certificate, "-CA", authority, "-CAkey", authority_key,
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"],
    ):
        subprocess.run([*new, *words], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 0))
    port = urllib.parse.urlsplit(bge.sandbox.ready["endpoint"]).port

    def carry(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            try:
                client = context.wrap_socket(server.accept()[0], server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            behind = socket.create_connection(("127.0.0.1", port))
            for pair in ((client, behind), (behind, client)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    endpoint = f"https://127.0.0.1:{server.getsockname()[1]}"
    Report(bge, BGE_ENDPOINT=endpoint).only("tls", "failed", "certificate", "ca_file")
    report = Report(bge, "--ca-file", authority, BGE_ENDPOINT=endpoint)
    assert report.wrong == {} and report.state("tls") == "ok"
    server.close()


def test_a_captive_portal(bge):
    fault(bge, kind="html")
    Report(bge).only("platform", "failed", "web page", "captive portal")
    bge.sandbox.control("DELETE", "faults")
    fault(bge, kind="redirect", location="http://portal.example/login?from=here")
    Report(bge).only("platform", "failed", "http://portal.example", "captive portal")


def test_a_platform_that_is_down(bge):
    fault(bge, kind="status", status=503)
    Report(bge).only("platform", "failed", "503", "later")
    bge.sandbox.control("DELETE", "faults")
    fault(bge, kind="hang")
    Report(bge).only("platform", "failed", "no answer within 3 s")


def test_a_clock_that_is_off(bge):
    for seconds, state in ((120, "warning"), (-120, "warning"), (7200, "failed"), (-7200, "failed")):
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        bge.sandbox.control("DELETE", "faults")
        fault(bge, path="/ping", kind="status", status=200, body="pong", headers={"Date": date})
        Report(bge, "--no-round-trip").only("clock", state, "behind" if seconds > 0 else "ahead", "NTP")


def test_a_token_that_has_ended(bge):
    bge.sandbox.control("POST", "expire", {"what": "access_tokens"})
    Report(bge).only("credentials", "failed", "BGE_ACCESS_TOKEN", "expired", "bge login")


def test_no_credentials_at_all(bge, tmp_path):
    nobody = Bge(bge.sandbox, tmp_path / "nobody", signed_in=False)
    Report(nobody).only("credentials", "failed", "were not found", "bge login")


def test_a_token_without_the_scope_for_files(bge):
    ready = bge.sandbox.ready

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    query = urllib.parse.urlencode({
        "client_id": ready["authorization"]["client_id"], "response_type": "code", "scope": "profile samples",
        "redirect_uri": ready["redirect_uri"],
    })
    address = f"{ready['endpoint']}/oauth2/authorize?{query}&{ready['authorization_extra_query']}"
    with pytest.raises(urllib.error.HTTPError) as redirect:
        urllib.request.build_opener(NoRedirect).open(address)
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect.value.headers["Location"]).query)["code"][0]
    form = dict(ready["authorization"], grant_type="authorization_code", code=code, redirect_uri=ready["redirect_uri"])
    with urllib.request.urlopen(f"{ready['endpoint']}/oauth2/access_token", urllib.parse.urlencode(form).encode()) as answer:
        token = json.load(answer)["data"]["access_token"]
    Report(bge, BGE_ACCESS_TOKEN=token).only("scopes", "failed", "401", "scope for files")


def test_an_object_store_that_is_not_reached(bge):
    bge.sandbox.control("POST", "outage", {"seconds": 120, "side": "store"})
    Report(bge).only("object_store", "failed", "refused", "firewall")


def test_an_object_store_that_refuses(bge):
    fault(bge, side="store", method="PUT", kind="status", status=403, xml={"code": "AccessDenied", "message": "no"})
    Report(bge).only("round_trip", "failed", "AccessDenied", "support")


def test_bytes_that_change_on_the_way(bge):
    fault(bge, side="store", method="GET", kind="corrupt")
    Report(bge).only("round_trip", "failed", "changes bytes")


def test_a_key_that_may_not_be_used(bge):
    kms = bge.sandbox.ready["kms"]
    for key, part in ((kms["disabled_key_id"], "Disabled"), (kms["foreign_key_id"], "Forbidden")):
        Report(bge, "--no-round-trip", "--cmk-id", key, "--kms-endpoint", kms["endpoint"]).only(
            "key_service", "failed", part, "kms_endpoint")


def test_too_many_requests(bge):
    fault(bge, path="/oauth2/introspect", count=1, kind="status", status=429, headers={"Retry-After": 1})
    Report(bge, "--no-round-trip").only("rate_limit", "warning", "429", "rate_limit")


def test_programs_ask_the_library(bge, api):
    report = json.loads(api.text("bge_api_doctor", api.handle, b'{"lang": "zh", "round_trip": false}'))
    assert [check["name"] for check in report["checks"]] == ALL
    assert report["endpoint"].rstrip("/") == bge.sandbox.ready["endpoint"]
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert states["platform"] == "ok" and states["round_trip"] == "skipped"
    assert report["checks"][ALL.index("platform")]["detail"] == "应答正常"
    for wrong in (b'{"lang": "fr"}', b'{"roundtrip": false}', b"[]"):
        with pytest.raises(Failed) as failed:
            api.text("bge_api_doctor", api.handle, wrong)
        assert failed.value.status == 1

    # a cancel ends it, wherever it waits
    fault(bge, kind="hang")
    outcome = []

    def ask():
        try:
            api.text("bge_api_doctor", api.handle, None)
        except Failed as failed:
            outcome.append(failed.status)

    asking = threading.Thread(target=ask)
    asking.start()
    while not bge.sandbox.control("GET", "log?path=/ping")["requests"][1:]:
        time.sleep(0.02)
    api.lib.bge_api_cancel(api.handle)
    asking.join(10)
    assert outcome == [11]
