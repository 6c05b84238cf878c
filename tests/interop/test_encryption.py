"""What libbge encrypts, Aliyun's own client (oss2.CryptoBucket) reads; what that encrypts, libbge reads.

BGE_LIB_DIR has libbge.so, BGE_SANDBOX_BIN is the sandbox. Run: pytest tests/interop
"""
import json
import os

import oss2
import pytest
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from oss2.crypto import AliKMSProvider
from oss2.models import MultipartUploadCryptoContext, PartInfo

from conftest import LONG
from test_oss2_transfers import PART, Api, Sandbox

REGION = "cn-shenzhen"
TEXT = "组学数据 omics\n".encode() * 5_000


@pytest.fixture(scope="module")
def sandbox():
    running = Sandbox()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(sandbox):
    return Api(sandbox, kms_endpoint=sandbox.ready["kms"]["endpoint"])


class Keys:
    """The key service's own client, led to the sandbox's."""

    def __init__(self, sandbox, keys):
        credential = StsTokenCredential(keys["access_key_id"], keys["access_key_secret"], keys["security_token"])
        self.client = AcsClient(region_id=REGION, credential=credential, auto_retry=False)
        self.place = sandbox.ready["kms"]["endpoint"].removeprefix("http://")

    def do_action_with_exception(self, request):
        request.set_endpoint(self.place)
        request.set_protocol_type("http")
        return self.client.do_action_with_exception(request)


@pytest.fixture()
def store(sandbox, api):
    token = api.upload_token()
    keys = token["credentials"]
    pair = keys["access_key_id"], keys["access_key_secret"]
    provider = AliKMSProvider(*pair, REGION, sandbox.ready["kms"]["key_id"])
    provider.kms_client = Keys(sandbox, keys)
    where = oss2.StsAuth(*pair, keys["security_token"]), token["endpoint"], token["bucket"]
    bucket = oss2.CryptoBucket(*where, crypto_provider=provider)
    bucket.stored, bucket.prefix = oss2.Bucket(*where), token["destination"]
    return bucket


def same(store, done, data):
    key = done["object_name"]
    kept = store.stored.get_object(key).read()
    assert done["encrypted"] and len(kept) == len(data) and kept != data
    assert store.get_object(key).read() == data
    for first, last in [(0, 15), (16, 31), (1_003, 70_000), (len(data) - 5, len(data) - 1)]:
        assert store.get_object(key, byte_range=(first, last)).read() == data[first : last + 1]


def test_oss2_reads_what_the_library_encrypted(sandbox, api, store, tmp_path):
    key = {"cmk_id": sandbox.ready["kms"]["key_id"]}
    same(store, api.upload("样本.txt", TEXT, **key), TEXT)
    path = tmp_path / "parts.bin"
    path.write_bytes(TEXT * 4)
    done = api.upload_file(path, multipart_threshold=1, part_size=PART, **key)
    assert done["parts"] > 3
    same(store, done, TEXT * 4)
    for name, part_size in (("one.bin", None), ("many.bin", PART)):
        args = dict(key, part_size=part_size) if part_size else key
        same(store, api.write(name, [TEXT[:70_001], TEXT[70_001:], TEXT], **args), TEXT * 2)


def test_the_library_reads_what_oss2_encrypted(api, store, tmp_path):
    key = f"{store.prefix}/单.txt"
    store.put_object(key, TEXT)
    done = api.download(key, tmp_path / "down.txt")
    assert done["encrypted"] and done["verified"] and (tmp_path / "down.txt").read_bytes() == TEXT
    api.download(key, tmp_path / "as-stored", decrypt=False)
    assert (tmp_path / "as-stored").read_bytes() == store.stored.get_object(key).read()

    key, data = f"{store.prefix}/parts.bin", os.urandom((20 if LONG else 9) * 1024 * 1024 + 7)
    size = 5 * 1024 * 1024
    context = MultipartUploadCryptoContext(data_size=len(data), part_size=size)
    upload_id = store.init_multipart_upload(key, upload_context=context).upload_id
    parts = []
    for number, start in enumerate(range(0, len(data), size), 1):
        piece = data[start : start + size]
        sent = store.upload_part(key, upload_id, number, piece, upload_context=context)
        parts.append(PartInfo(number, sent.etag, size=len(piece), part_crc=sent.crc))
    store.complete_multipart_upload(key, upload_id, parts)
    for connections in (1, 4):
        api.download(key, tmp_path / "down.bin", multipart_num_threads=connections)
        assert (tmp_path / "down.bin").read_bytes() == data


def test_a_foreign_key_is_refused_with_the_services_own_words(sandbox, api):
    with pytest.raises(AssertionError) as caught:
        api.upload("x", b"x", cmk_id=sandbox.ready["kms"]["foreign_key_id"])
    told = json.loads(str(caught.value))
    assert told["storage_code"] == "Forbidden.NoPermission" and told["request_id"]
