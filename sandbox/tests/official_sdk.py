"""The platform's own Python SDK (bge-python-sdk) against bge-sandbox: every call it has.

BGE_SANDBOX_BIN names the program to test. Run: pytest official_sdk.py
"""

import hashlib
import inspect
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from urllib.parse import parse_qs, urlparse

import bgesdk
import pytest
import requests
from bgesdk import API, OAuth2
from bgesdk.client import OAuth2TokenProvider
from bgesdk.error import APIError, HTTPError, TransportError
from bgesdk.fs import FileItem

ELEMENT = "02393f70-c7e4-11e9-bfed-00163e104c79"


class Sandbox:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [os.environ["BGE_SANDBOX_BIN"], "--stdin-lifetime", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.endpoint = self.ready["endpoint"]

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(timeout=60) == 0

    def control(self, method, name, body=None):
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.endpoint}/__sandbox__/{name}"
        request = urllib.request.Request(url, data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def last(self, path="*", side="platform"):
        """The last request that was received."""
        return self.control("GET", f"log?side={side}&last=1&path={path}")["requests"][0]

    def oauth2(self, client, **options):
        keys = self.ready[client]
        return OAuth2(keys["client_id"], keys["client_secret"], endpoint=self.endpoint, **options)

    def sign_in(self, oauth2, **options):
        """A token of the user, by way of the page in a browser."""
        redirect_uri = self.ready["redirect_uri"]
        url = oauth2.get_authorization_url(redirect_uri, **options)
        page = requests.get(url + "&" + self.ready["authorization_extra_query"], timeout=60)
        assert page.status_code == 200
        query = parse_qs(urlparse(page.url).query)
        assert query.get("state", [None]) == [options.get("state")]
        return oauth2.exchange_authorization_code(query["code"][0], redirect_uri)


@pytest.fixture(scope="module")
def sandbox():
    sandbox = Sandbox("--seed", "11")
    yield sandbox
    sandbox.stop()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """oss2 keeps its checkpoints in the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def user(sandbox):
    return API(sandbox.ready["access_token"], endpoint=sandbox.endpoint)


@pytest.fixture
def application(sandbox):
    oauth2 = sandbox.oauth2("credentials")
    return oauth2.get_api(oauth2.get_credentials_token().access_token)


@pytest.fixture
def genome(sandbox):
    return sandbox.ready["biosample_id"]


@pytest.fixture
def meta(sandbox):
    return sandbox.ready["meta_biosample_id"]


@pytest.fixture
def model(sandbox):
    return sandbox.ready["model_id"]


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "源码.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("index.py", "def handler(event, context): return {}\n" * 100)
        file.writestr("regions.bed", "chr19\t44908683\t44908822\nchr12\t111803961\t111803962\n")
    return path


def finished(api, started):
    for _ in range(20):
        task = api.task(started.task_id)
        if task.progress in ("SUCCESS", "FAILURE"):
            return task
        assert task.progress in ("PENDING", "STARTED")
    raise AssertionError("the task does not end")


def test_sign_in_and_renew(sandbox):
    oauth2 = sandbox.oauth2("authorization", max_retries=3)
    assert oauth2.alive()
    token = sandbox.sign_in(oauth2, state="页面 1", scopes=["profile", "samples"])
    assert token.scope == "profile samples" and token.expires_in == 21600
    assert not token.is_expired()
    renewed = oauth2.exchange_refresh_token(token.refresh_token)
    assert renewed.refresh_token != token.refresh_token
    with pytest.raises(APIError) as error:
        oauth2.exchange_refresh_token(token.refresh_token)
    assert error.value.code == 400
    api = oauth2.get_api(renewed.access_token)
    assert api.get_user().username == "zhangsan"
    with pytest.raises(APIError) as error:
        api.get_variants(sandbox.ready["biosample_id"], "rs671")
    assert (error.value.code, error.value.msg) == (401, "无访问权限")


def test_tokens_that_renew_themselves():
    sandbox = Sandbox()
    try:
        sandbox.control("POST", "options", {"token_lifetime": 30})
        oauth2 = sandbox.oauth2("authorization")
        # 30 seconds are less than the minute ahead of time at which the SDK renews.
        api = oauth2.get_api(sandbox.sign_in(oauth2))
        first = api.access_token
        api.get_user()
        assert api.access_token != first
        assert sandbox.control("GET", "state")["oauth"]["refreshes"] == 1
        application = sandbox.oauth2("credentials")
        provider = OAuth2TokenProvider(application, None)
        assert application.get_api("unused", token_provider=provider).get_samples(limit=1).count == 60
        assert provider.token.access_token == sandbox.last("/samples")["headers"]["authorization"].split()[1]
    finally:
        sandbox.stop()


def test_account(sandbox, user, application, genome):
    assert user.alive() and not API("x", endpoint="http://127.0.0.1:9").alive()
    mine = user.introspect()
    assert mine.active and mine.client_id == sandbox.ready["authorization"]["client_id"]
    assert application.introspect().client_id == sandbox.ready["credentials"]["client_id"]
    assert user.get_user().nickname == "张三"
    assert user.get_overview(biosample_id=genome).sample_count == 1
    with pytest.raises(APIError) as error:
        application.get_user()
    assert error.value.code == 401


def test_errors(sandbox, user):
    with pytest.raises(APIError) as error:
        API("demo", endpoint=sandbox.endpoint).get_user()
    assert (error.value.code, error.value.msg) == (403, "access_token 已失效或错误")
    sandbox.control("POST", "faults", [
        {"path": "/profile", "kind": "status", "status": 502},
        {"path": "/profile", "kind": "reset"},
        {"path": "/profile", "kind": "truncate"},
    ])
    with pytest.raises(HTTPError) as error:
        user.get_user()
    assert error.value.status == 502
    for _ in range(2):
        with pytest.raises(TransportError):
            user.get_user()
    assert user.get_user().sex == 1


def test_samples(sandbox, user, application, genome, meta):
    page = user.get_samples(biosample_ids=f"{genome},{meta}".lower(), limit=1)
    assert (page.count, page.next_page, len(page.result)) == (2, 2, 1)
    page = user.get_samples(
        biosample_sites="1,11", omics="1,2", project_ids=sandbox.ready["project_id"], organisms=1,
        data_availability=True, statuses="9001,9002", require_files=True, next_page=1, limit=3,
    )
    assert len(page.result) == 3 and all(sample.files for sample in page.result)
    assert sandbox.last()["query"]["data_availability"] == "True"
    assert user.get_sample(genome.lower(), require_files=False).biosample_id == genome
    with pytest.raises(APIError) as error:
        user.get_sample(sandbox.ready["other_biosample_id"])
    assert error.value.code == 41303

    project = sandbox.ready["project_id"]
    registered = application.register_sample("外部-1", 11, project, library_id="L1")
    assert application.get_sample(registered.biosample_id).library_id == "L1"
    with pytest.raises(APIError) as error:
        application.register_sample("外部-1", 11, project)
    assert error.value.code == 41001
    application.register_sample("外部-1", 11, project, duplicate_enabled=True)
    found = application.externals(project, 11, "外部-1,外部-2")
    assert [entry["external_sample_id"] for entry in found] == ["外部-1"] * 2
    application.improve_sample(registered.biosample_id, library_strategy="WGS")
    with pytest.raises(APIError):
        application.improve_sample(registered.biosample_id, library_strategy="WES")
    assert application.get_sample(registered.biosample_id).library_strategy == "WGS"


def test_variants(user, genome, archive):
    variants = user.get_variants(f" {genome} ".lower(), " rs762551,rs333 ")
    assert [variant.alternate_id[0] for variant in variants] == ["rs762551", "rs333"]
    assert variants[0].genomic_context.gene[0].symbol == "CYP1A2"
    regions = [["chr19", 44908683, 44908822]]
    found = user.professional_variant(genome, only_variant_site=False, regions=regions)
    assert [variant.alternate_id[0] for variant in found.result] == ["rs429358", "rs7412"]
    with zipfile.ZipFile(archive) as file:
        bed = archive.with_name("regions.zip")
        with zipfile.ZipFile(bed, "w") as only:
            only.writestr("regions.bed", file.read("regions.bed"))
    found = user.professional_variant(genome, only_variant_site=False, bed_file=str(bed))
    assert {variant.alternate_id[0] for variant in found.result} == {"rs429358", "rs7412", "rs671"}


def all_rows(page, **arguments):
    """Every row, as long as pages have any."""
    rows, next_page = [], None
    while True:
        answer = page(next_page=next_page, **arguments)
        rows += answer.result
        next_page = answer.next_page
        if next_page is None or not answer.result:
            return rows


def test_abundances(user, meta):
    rows = all_rows(lambda **more: user.get_taxon_abundance(meta.lower(), **more), limit=120)
    assert len(rows) == 300 and abs(sum(row.observation.value for row in rows) - 100) < 0.01
    assert user.get_taxon_abundance(meta, "txid815").count == 1
    assert user.get_taxon_abundance(meta, "txid1323").result == []
    rows = all_rows(lambda **more: user.get_func_abundance(meta, "go", **more), limit=100)
    assert len({row.coding.id for row in rows}) == len(rows) > 300
    assert user.get_func_abundance(meta, "go", ids=rows[7].coding.id).result == [rows[7]]
    rows = all_rows(lambda **more: user.get_gene_abundance(meta, "IGC_9.9M", "list", **more), limit=1000)
    assert len(rows) == 2400
    file = user.get_gene_abundance(meta, "UniRef90_HUMAnN2_0.11", "file").result[0]
    content = io.BytesIO()
    user.download(file.object_name, content)
    assert len(content.getvalue()) == file.file_size


def test_files(sandbox, user, tmp_path):
    token = user.get_upload_token()
    assert token.endpoint != sandbox.endpoint and token.region_id == "oss-cn-shenzhen"
    small = user.upload("样本 1.txt", "内容")
    assert small == f"{token.destination}/样本 1.txt"
    assert sandbox.last(side="store")["headers"]["x-oss-meta-bge-open-client-id"] == user.introspect().client_id

    folder = tmp_path / "files"
    folder.mkdir()
    large = folder / "large.bin"
    large.write_bytes(os.urandom(700_000))
    (folder / "small.txt").write_bytes(b"x" * 10)
    name = user.upload(
        "large.bin", str(large), part_size=102_400, multipart_threshold=200_000, multipart_num_threads=3
    )
    methods = [r["method"] for r in sandbox.control("GET", "log?side=store&path=*large.bin")["requests"]]
    assert methods.count("PUT") == 7 and methods.count("POST") == 2
    target = tmp_path / "back.bin"
    with open(target, "wb") as file:
        user.download(name, file)
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(large.read_bytes()).digest()

    url = user.get_download_url(small, region="domestic", expiration_time=60)
    assert int(url.expires) - time.time() < 61
    user.download_file(url.url, str(tmp_path / "small.txt"))
    assert (tmp_path / "small.txt").read_text(encoding="utf-8") == "内容"
    assert "authorization" not in sandbox.last(side="store")["headers"]

    names = user.upload_dir(str(folder))
    assert sorted(name.rsplit("/", 1)[1] for name in names) == ["large.bin", "small.txt"]
    # Given a list, this version of the SDK sends nothing.
    names = user.batch_upload(iter([FileItem("a.txt", "a"), FileItem("b.txt", "b")]))
    assert [name.rsplit("/", 1)[1] for name in names] == ["a.txt", "b.txt"]
    assert sandbox.control("GET", "state")["uploads"] == []


def test_ferry(application):
    task = application.ferry_to_oss("account", "password", "F21FTSCN0001", 2, included_filename_exts=".txt,.pdf")
    assert finished(application, task).result.project_no == "F21FTSCN0001"


def test_streams(user, application, genome):
    rows = all_rows(lambda **more: user.get_range_stream(ELEMENT, biosample_id=genome, **more), limit=90)
    assert len(rows) == 230
    between = user.get_range_stream(
        ELEMENT, biosample_id=genome.lower(), start_time="2020-01", end_time="2021-01-01 00:00:00.000000",
        sort_direction="asc",
    )
    assert all(row.stream_generate_time.startswith("2020") for row in between.result) and between.count > 20
    written = application.write_phenotype(
        genome.lower(), ELEMENT, "2031-03-02T10:00:00Z", {"名称": "测试"}, duplicate_enabled=True
    )
    newest = application.get_range_stream(ELEMENT, biosample_id=genome, limit=1).result[0]
    assert newest.stream_id == written.stream_id and newest.stream_data["名称"] == "测试"
    with pytest.raises(APIError) as error:
        user.write_phenotype(genome, ELEMENT, "2021-03-02T10:00:00Z", {})
    assert (error.value.code, error.value.msg) == (40014, "本接口不支持授权码模式的应用访问")
    months = user.aggregate_omics_data(ELEMENT, "month", "2020-01", end_time="2020-12-31 23:59:59", biosample_id=genome)
    assert len(months.result) == 12 and sum(month.count for month in months.result) == between.count
    assert user.get_data_items("health", genome.lower(), data_element_ids=ELEMENT).count == 1


def test_models(sandbox, user, model, meta, archive):
    result = user.invoke_model(model, headers={"X-Trace": "1"}, biosample_id=meta, 年龄=42)
    assert result.model_code == 0 and result.model_data.params["年龄"] == "42"
    assert sandbox.last()["headers"]["x-trace"] == "1"
    with pytest.raises(APIError) as error:
        user.invoke_model("unknown_model_id")
    assert error.value.code == 41202

    source = user.upload("源码.zip", archive.open("rb"))
    deployed = finished(user, user.deploy_model(model, object_name=source, memory_size=256, cpu=0.1, timeout=60))
    assert deployed.progress == "SUCCESS" and deployed.result.version == 24
    assert user.invoke_draft_model(model).model_data.version == 24
    assert user.invoke_model(model).model_data.version == 23
    assert user.publish_model(model, "第一版").version == 24
    assert user.invoke_model(model).model_data.version == 24
    assert user.rollback_model(model, 5).version == 5
    versions = all_rows(lambda **more: user.model_versions(model, **more), limit=10)
    assert [version.version for version in versions] == list(range(24, 0, -1))

    expfs = finished(user, user.upload_model_expfs(model, str(archive)))
    assert expfs.result.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    license = user.model_license(model, expires=60, params={"biosample_id": meta})
    assert license.params.biosample_id == meta
    document = user.upload_model_doc("brief_intro", model, [{"text": "结直肠癌"}])
    assert document.version == 1
    slow = user.invoke_model("slow-model")
    assert finished(user, slow).result.model_msg == "success"
    assert finished(user, user.invoke_model("failing-model")).progress == "FAILURE"


def test_services(application):
    application.send_sms("pay_code", "17376000000", pay_code="1234")
    assert application.applet_url("c1", path="pages/index", query="a=1").url_link
    assert application.verify_id_meta("11010519491231002X", "张三", phone="17376000000").verified


def test_reports(user, genome):
    collection = user.report_collection(genome)
    assert collection.biosample_id == genome
    traits = collection.get_traits_details()
    assert traits.total == len(traits.list) > 0
    for domain in collection.domains():
        for report in user.report_details(genome, domain)["list"]:
            detail = user.report_detail(genome, report.domain_version, report.report_id)
            assert detail.report_id == report.report_id
    assert len(user.dictionaries(genome)) > 5
    assert len(user.merit_cards(genome)) == 4


def test_nothing_that_the_sdk_can_ask_is_missing_here():
    source = pathlib.Path(__file__).read_text(encoding="utf-8")
    called = set(re.findall(r"\.(\w+)\(", source))
    for kind in (API, OAuth2):
        public = {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}
        assert public - called == set(), kind


def test_the_sdks_own_integration_tests():
    """They come with the package, and were written for the real platform."""
    sandbox = Sandbox()
    try:
        ready = sandbox.ready
        environment = {
            **os.environ,
            "ENDPOINT": ready["endpoint"],
            "AUTHORIZATION_CLIENT_ID": ready["authorization"]["client_id"],
            "AUTHORIZATION_CLIENT_SECRET": ready["authorization"]["client_secret"],
            "AUTHORIZATION_EXTRA_QUERY": ready["authorization_extra_query"],
            "REDIRECT_URI": ready["redirect_uri"],
            "SELF_BIOSAMPLE_ID": ready["biosample_id"],
            "SELF_META_BIOSAMPLE_ID": ready["meta_biosample_id"],
            "OTHER_BIOSAMPLE_ID": ready["other_biosample_id"],
            "CREDENTIALS_CLIENT_ID": ready["credentials"]["client_id"],
            "CREDENTIALS_CLIENT_SECRET": ready["credentials"]["client_secret"],
        }
        tests = pathlib.Path(bgesdk.__file__).parent.parent / "tests"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--disable-warnings",
            str(tests), "--run-integration", "-m", "integration",
        ]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tests)
        assert run.returncode == 0, run.stdout + run.stderr
        summary = run.stdout.strip().splitlines()[-1]
        assert int(re.search(r"(\d+) passed", summary).group(1)) >= 80 and "skipped" not in summary, summary
    finally:
        sandbox.stop()
