"""What libbge writes, the official Aliyun client (oss2) reads; what oss2 writes, libbge reads.

BGE_LIB_DIR has libbge.so, BGE_SANDBOX_BIN is the sandbox. Run: pytest tests/interop
"""
import ctypes
import json
import os
import pathlib
import subprocess
import urllib.request

import oss2
import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BGE_LIB_DIR", TOP / "target/quick"))
NAMES = ["plain.txt", "样本 1.vcf.gz", "a+b &=?#%20~.bin", "名'\"()[]{}!*$,;:@.bin"]
PART = 102_400


class Sandbox:
    def __init__(self):
        program = os.environ.get("BGE_SANDBOX_BIN", BUILD / "bge-sandbox")
        self.process = subprocess.Popen(
            [program, "--stdin-lifetime"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())

    def state(self):
        with urllib.request.urlopen(self.ready["endpoint"] + "/__sandbox__/state") as answer:
            return json.load(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(timeout=60) == 0


class Api:
    """The functions of bge.h, by ctypes alone."""

    def __init__(self, sandbox, **options):
        self.library = ctypes.CDLL(str(BUILD / "libbge.so"))
        self.library.bge_error_json.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        options = json.dumps(dict(options, endpoint=sandbox.ready["endpoint"])).encode()
        token = sandbox.ready["access_token"].encode()
        self._call("bge_api_new", token, options, ctypes.byref(self.handle))

    def _call(self, name, *arguments):
        error = ctypes.c_void_p()
        if getattr(self.library, name)(*arguments, ctypes.byref(error)):
            raise AssertionError(self.library.bge_error_json(error).decode())

    def _json(self, name, *arguments, **args):
        out = ctypes.c_void_p()
        self._call(name, self.handle, *arguments, json.dumps(args).encode(), ctypes.byref(out))
        text = ctypes.cast(out, ctypes.c_char_p).value
        self.library.bge_string_free(out)
        return json.loads(text)

    def upload(self, name, data, **args):
        return self._json("bge_api_upload", name.encode(), data, ctypes.c_size_t(len(data)), **args)

    def upload_file(self, path, **args):
        return self._json("bge_api_upload_file", str(path).encode(), **args)

    def download(self, object_name, path, **args):
        return self._json("bge_api_download", object_name.encode(), str(path).encode(), **args)

    def upload_token(self):
        return self._json("bge_api_get_upload_token")

    def write(self, name, pieces, **args):
        writer, out = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("bge_api_open_writer", self.handle, name.encode(), json.dumps(args).encode(), ctypes.byref(writer))
        for piece in pieces:
            self._call("bge_writer_write", writer, piece, ctypes.c_size_t(len(piece)))
        self._call("bge_writer_finish", writer, ctypes.byref(out))
        done = json.loads(ctypes.cast(out, ctypes.c_char_p).value)
        self.library.bge_string_free(out)
        self.library.bge_writer_free(writer)
        return done


@pytest.fixture(scope="module")
def sandbox():
    running = Sandbox()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(sandbox):
    return Api(sandbox)


@pytest.fixture(params=["v1", "v4"])
def store(api, request):
    token = api.upload_token()
    keys = token["credentials"]
    auth = oss2.StsAuth(
        keys["access_key_id"], keys["access_key_secret"], keys["security_token"], auth_version=request.param
    )
    region = token["region_id"].removeprefix("oss-")
    bucket = oss2.Bucket(auth, token["endpoint"], token["bucket"], region=region)
    bucket.prefix = token["destination"]
    return bucket


def same(store, done, data):
    """The object as oss2 gets it, its own checksum checked on the way."""
    got = store.get_object(done["object_name"])
    assert got.read() == data
    head = store.head_object(done["object_name"])
    assert head.content_length == len(data) == done["size"]
    assert head.headers["x-oss-hash-crc64ecma"] == done["crc64"]
    assert head.etag == done["etag"]
    return head


@pytest.mark.parametrize("name", NAMES)
def test_oss2_reads_single_objects(api, store, name):
    for size in (0, 1, 70_000):
        data = os.urandom(size)
        head = same(store, api.upload(name, data), data)
    assert head.headers["x-oss-meta-bge-open-client-id"]
    if name == "plain.txt":
        assert head.content_type == "text/plain"


def test_oss2_reads_multipart_objects(api, store, tmp_path):
    data = os.urandom(1_000_003)
    path = tmp_path / "样本 2.bin"
    path.write_bytes(data)
    done = api.upload_file(path, multipart_threshold=1, part_size=PART)
    assert done["parts"] == 10 and done["verified"]
    head = same(store, done, data)
    assert head.object_type == "Multipart"
    oss2.resumable_download(store, done["object_name"], str(tmp_path / "back"), multiget_threshold=1, part_size=PART)
    assert (tmp_path / "back").read_bytes() == data


def test_oss2_reads_what_a_writer_wrote(api, store):
    data = os.urandom(500_001)
    done = api.write("stream.bin", [data[at : at + 7919] for at in range(0, len(data), 7919)], part_size=PART)
    assert done["parts"] == 5
    same(store, done, data)


@pytest.mark.parametrize("name", NAMES)
def test_libbge_reads_what_oss2_put(api, store, tmp_path, name):
    data = os.urandom(70_000)
    store.put_object(f"{store.prefix}/{name}", data)
    done = api.download(f"{store.prefix}/{name}", tmp_path)
    assert done["verified"] and done["path"] == str(tmp_path / name)
    assert (tmp_path / name).read_bytes() == data


def test_libbge_reads_what_oss2_sent_in_parts(api, store, tmp_path):
    data = os.urandom(20_000_003)
    (tmp_path / "source").write_bytes(data)
    key = f"{store.prefix}/parts.bin"
    oss2.resumable_upload(
        store,
        key,
        str(tmp_path / "source"),
        store=oss2.ResumableStore(root=str(tmp_path)),
        multipart_threshold=1,
        part_size=1_000_000,
        num_threads=3,
    )
    done = api.download(key, tmp_path / "back")
    assert done["verified"] and (tmp_path / "back").read_bytes() == data


def test_nothing_is_left_open(sandbox):
    assert sandbox.state()["uploads"] == []
