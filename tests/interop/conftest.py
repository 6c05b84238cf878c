"""A sandbox for the tests, and libbge's tables through ctypes, with nothing of this project in between."""
import ctypes
import json
import os
import pathlib
import subprocess
import urllib.parse
import urllib.request

import pyarrow as pa
import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BGE_LIB_DIR", TOP / "target/quick"))
LONG = "BGE_TEST_LONG" in os.environ
REGION = "chr15:74740000-74755000"
TAXA = "/microbiome/taxon_abundance"
# what `make test-long` alone installs
collect_ignore = [] if LONG else ["test_nextflow.py", "test_slurm.py", "test_spark.py"]


class Sandbox:
    def __init__(self, *arguments):
        program = os.environ.get("BGE_SANDBOX_BIN", BUILD / "bge-sandbox")
        self.process = subprocess.Popen(
            [program, "--stdin-lifetime", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.environment = dict(
            os.environ,
            BGE_ENDPOINT=self.ready["endpoint"],
            BGE_ACCESS_TOKEN=self.ready["access_token"],
            PATH=f"{BUILD}{os.pathsep}{os.environ['PATH']}",
        )

    def control(self, method, name, body=None):
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.ready['endpoint']}/__sandbox__/{name}"
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=120) as answer:
            return json.load(answer)

    def asked(self, path=TAXA):
        return sum(entry["path"] == path for entry in self.control("GET", "log")["requests"])

    def metagenomes(self, count):
        ids, page = [], 1
        while len(ids) < count:
            request = urllib.request.Request(
                f"{self.ready['endpoint']}/samples?omics=2&limit={min(count, 1000)}&page={page}",
                headers={"Authorization": f"Bearer {self.ready['access_token']}"},
            )
            with urllib.request.urlopen(request) as answer:
                samples = json.load(answer)["data"]["result"]
            assert samples, f"there are only {len(ids)}"
            ids += [sample["biosample_id"] for sample in samples]
            page += 1
        return ids[:count]

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Failed(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.json = status, json.loads(text)


class Stream(ctypes.Structure):
    """The Arrow C stream interface."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("schema", "next", "last_error", "release", "private_data")]


class Api:
    def __init__(self, sandbox, **options):
        self.lib = ctypes.CDLL(str(BUILD / "libbge.so"))
        for name in ("bge_error_json", "bge_endpoints"):
            getattr(self.lib, name).restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        options = dict(endpoint=sandbox.ready["endpoint"], **options)
        token = sandbox.ready["access_token"].encode()
        self.call("bge_api_new", token, json.dumps(options).encode(), ctypes.byref(self.handle))

    def call(self, name, *arguments):
        error = ctypes.c_void_p()
        status = getattr(self.lib, name)(*arguments, ctypes.byref(error))
        if status:
            text = self.lib.bge_error_json(error).decode()
            self.lib.bge_error_free(error)
            raise Failed(status, text)

    def text(self, name, *arguments):
        out = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(out))
        if not out:
            return None
        try:
            return ctypes.string_at(out).decode()
        finally:
            self.lib.bge_string_free(out)

    def table(self, name, **arguments):
        """A pyarrow.RecordBatchReader."""
        stream = Stream()
        text = json.dumps({key.replace("switches", "$"): value for key, value in arguments.items()})
        self.call("bge_api_table", self.handle, name.encode(), text.encode(), ctypes.byref(stream))
        return pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))

    def rows(self, name, **arguments):
        """The JSON route: every row of every page, as Python reads it."""
        text = json.dumps(arguments).encode()
        if name in ("get_variants", "externals"):
            return json.loads(self.text("bge_api_call", self.handle, name.encode(), text))
        pages, rows = ctypes.c_void_p(), []
        self.call("bge_api_pages", self.handle, name.encode(), text, ctypes.byref(pages))
        while (page := self.text("bge_pages_next", pages)) is not None:
            rows += json.loads(page)["result"]
        self.lib.bge_pages_free(pages)
        return rows

    def columns(self, name):
        return next(row["columns"] for row in json.loads(self.lib.bge_endpoints()) if row["name"] == name)

    def close(self):
        self.lib.bge_api_free(self.handle)


@pytest.fixture
def start():
    """Starts sandboxes that end with the test."""
    started = []

    def start(*arguments):
        started.append(Sandbox(*arguments))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.close()


@pytest.fixture
def sandbox(start):
    return start("--samples", "60", "--taxa", "120")


@pytest.fixture
def api(sandbox):
    api = Api(sandbox)
    yield api
    api.close()


# ---- genomes: BAM and VCF files in the store, and what htslib says of them ----


def call(sandbox, method, path, **parameters):
    """A call of the platform, without the library."""
    encoded = urllib.parse.urlencode(parameters)
    url = sandbox.ready["endpoint"] + path + (f"?{encoded}" if method == "GET" else "")
    asked = urllib.request.Request(url, None if method == "GET" else encoded.encode(), method=method)
    asked.add_header("Authorization", f"Bearer {sandbox.ready['access_token']}")
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)["data"]


def local(folder, name):
    return folder / pathlib.PurePath(name).name


@pytest.fixture(scope="module")
def genomes():
    sandbox = Sandbox("--samples", "8")
    sandbox.environment["HTS_PATH"] = str(BUILD)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def objects(genomes):
    """The names of a genome's files in the store, by their last ending."""
    files = call(genomes, "GET", f"/samples/{genomes.ready['biosample_id']}", require_files="True")["files"]
    return {file["object_name"].rsplit(".", 1)[1]: file["object_name"] for file in files}


@pytest.fixture(scope="module")
def folder(genomes, objects, tmp_path_factory):
    """The same files as local copies, under the same names."""
    folder = tmp_path_factory.mktemp("genome")
    for name in objects.values():
        url = call(genomes, "POST", "/oss/sign_url", object_name=name)["url"]
        with urllib.request.urlopen(url) as answer:
            local(folder, name).write_bytes(answer.read())
    return folder


@pytest.fixture
def run(genomes, tmp_path):
    """Runs a program in a folder of its own, with a genome's platform around it."""

    def run(*words, environment=None, fails=False):
        done = subprocess.run(
            [str(word) for word in words],
            cwd=tmp_path,
            env={**genomes.environment, **(environment or {})},
            capture_output=True,
            timeout=300,
        )
        assert (done.returncode != 0) == fails, done.stderr.decode()
        return done

    return run
