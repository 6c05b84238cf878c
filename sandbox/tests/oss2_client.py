"""The official Aliyun client (oss2) against the object store of bge-sandbox.

BGE_SANDBOX_BIN names the program to test. Run: pytest oss2_client.py
"""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import oss2
import pytest
from oss2.exceptions import InconsistentError, ServerError
from oss2.models import PartInfo

CLIENT_ID_HEADER = "x-oss-meta-bge-open-client-id"
# The characters that clients most often encode or sign wrongly.
NAMES = ["sample.txt", "样本 1.tsv", "a+b &=?#%20~.gz", "名'\"()[]{}!*$,;:@.bin"]


class Sandbox:
    """A running bge-sandbox and the few calls of the platform that these tests need."""

    def __init__(self, folder=None):
        command = [os.environ["BGE_SANDBOX_BIN"], "--stdin-lifetime", "--seed", "7"]
        if folder:
            command += ["--data-dir", str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.endpoint = self.ready["endpoint"]

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(timeout=60) == 0

    def _post(self, path, body, content_type):
        request = urllib.request.Request(
            self.endpoint + path,
            data=body,
            headers={
                "Content-Type": content_type,
                "Authorization": "Bearer " + self.ready["access_token"],
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def call(self, path, **parameters):
        form = urllib.parse.urlencode(parameters).encode()
        answer = self._post(path, form, "application/x-www-form-urlencoded")
        assert answer["code"] == 0, answer
        return answer["data"]

    def set_store(self, **options):
        body = json.dumps({"store": options}).encode()
        self._post("/__sandbox__/options", body, "application/json")

    def token(self):
        return self.call("/sts/token")


class Destination:
    """A bucket opened with fresh credentials, and the names below their destination."""

    def __init__(self, sandbox, version="v1", secret_suffix=""):
        token = sandbox.token()
        keys = token["credentials"]
        region = token["region_id"].removeprefix("oss-")
        auth = oss2.StsAuth(
            keys["access_key_id"],
            keys["access_key_secret"] + secret_suffix,
            keys["security_token"],
            auth_version=version,
        )
        self.prefix = token["destination"]
        self.bucket = oss2.Bucket(
            auth, token["endpoint"], token["bucket"], region=region, connect_timeout=60
        )

    def key(self, name):
        return f"{self.prefix}/{name}"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("data"))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def default_options(sandbox):
    sandbox.set_store(reset=True)


@pytest.fixture(params=["v1", "v4"])
def destination(sandbox, request):
    return Destination(sandbox, request.param)


def random_file(folder, size):
    path = folder / "source.bin"
    path.write_bytes(os.urandom(size))
    return path


def refused(call, *arguments, **named):
    """The error with which the store refuses a call."""
    with pytest.raises(ServerError) as caught:
        call(*arguments, **named)
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_an_object_from_put_to_delete(destination, name):
    bucket, key = destination.bucket, destination.key(name)
    put = bucket.put_object(key, b"hello", headers={CLIENT_ID_HEADER: "client-1"})
    assert put.status == 200
    assert put.etag == "5D41402ABC4B2A76B9719D911017C592"
    assert len(put.request_id) == 24
    assert bucket.object_exists(key)
    assert bucket.get_object(key).read() == b"hello"
    head = bucket.head_object(key)
    assert head.content_length == 5
    assert head.etag == put.etag
    assert head.server_crc == put.crc
    assert head.headers[CLIENT_ID_HEADER] == "client-1"
    assert bucket.get_object_meta(key).content_length == 5
    assert bucket.delete_object(key).status == 204
    assert not bucket.object_exists(key)
    missing = refused(bucket.get_object, key)
    assert (missing.status, missing.code) == (404, "NoSuchKey")


def test_ranges(destination):
    bucket, key = destination.bucket, destination.key("ranges")
    bucket.put_object(key, b"0123456789")
    part = bucket.get_object(key, byte_range=(2, 4))
    assert (part.status, part.read()) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert bucket.get_object(key, byte_range=(7, None)).read() == b"789"
    assert bucket.get_object(key, byte_range=(None, 3)).read() == b"789"
    outside = bucket.get_object(key, byte_range=(5, 20))
    assert (outside.status, outside.read()) == (200, b"0123456789")
    standard = {"x-oss-range-behavior": "standard"}
    assert bucket.get_object(key, byte_range=(5, 20), headers=standard).read() == b"56789"
    past = refused(bucket.get_object, key, byte_range=(10, 20), headers=standard)
    assert (past.status, past.code) == (416, "InvalidRange")


def test_conditions(destination):
    bucket, key = destination.bucket, destination.key("conditions")
    etag = bucket.put_object(key, b"one").headers["ETag"]
    assert bucket.get_object(key, headers={"If-Match": etag}).read() == b"one"
    bucket.put_object(key, b"two")
    changed = refused(bucket.get_object, key, headers={"If-Match": etag})
    assert (changed.status, changed.code) == (412, "PreconditionFailed")
    past = {"If-Unmodified-Since": "Thu, 12 Jun 2025 08:00:00 GMT"}
    assert refused(bucket.get_object, key, headers=past).status == 412


def test_overwriting_can_be_forbidden(destination):
    bucket, key = destination.bucket, destination.key("once" + os.urandom(4).hex())
    forbid = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object(key, b"one", headers=forbid)
    second = refused(bucket.put_object, key, b"two", headers=forbid)
    assert (second.status, second.code) == (409, "FileAlreadyExists")
    assert bucket.get_object(key).read() == b"one"


def test_resumable_upload_and_download(destination, tmp_path):
    bucket, key = destination.bucket, destination.key("大文件.bin")
    source = random_file(tmp_path, 5_300_001)
    result = oss2.resumable_upload(
        bucket,
        key,
        str(source),
        store=oss2.ResumableStore(root=str(tmp_path)),
        headers={CLIENT_ID_HEADER: "client-1", "Content-Type": "text/csv"},
        multipart_threshold=1 << 20,
        part_size=1 << 20,
        num_threads=4,
    )
    assert result.etag.endswith("-6")
    head = bucket.head_object(key)
    assert head.object_type == "Multipart"
    assert head.content_type == "text/csv"
    assert head.headers[CLIENT_ID_HEADER] == "client-1"
    assert bucket.get_object(key).read() == source.read_bytes()
    target = tmp_path / "target.bin"
    oss2.resumable_download(
        bucket,
        key,
        str(target),
        store=oss2.ResumableDownloadStore(root=str(tmp_path)),
        multiget_threshold=1 << 20,
        part_size=700_000,
        num_threads=4,
    )
    assert target.read_bytes() == source.read_bytes()


def test_an_upload_goes_on_with_new_credentials(sandbox, destination, tmp_path):
    bucket, key = destination.bucket, destination.key("resumed.bin")
    source = random_file(tmp_path, 4_000_000)
    upload = dict(
        store=oss2.ResumableStore(root=str(tmp_path)),
        multipart_threshold=1 << 20,
        part_size=1 << 20,
        num_threads=1,
    )
    # Initiate, ListParts and two parts; then the credentials end.
    sandbox.set_store(sts_uses=4)
    expired = refused(oss2.resumable_upload, bucket, key, str(source), **upload)
    assert (expired.status, expired.code) == (403, "SecurityTokenExpired")
    sandbox.set_store(sts_uses=None)
    token = sandbox.token()
    keys = token["credentials"]
    renewed = oss2.Bucket(
        oss2.StsAuth(
            keys["access_key_id"], keys["access_key_secret"], keys["security_token"]
        ),
        token["endpoint"],
        token["bucket"],
    )
    if token["destination"] != destination.prefix:
        pytest.fail("new credentials must be good for the same destination")
    sent = []

    def upload_part(key, upload_id, number, data, **named):
        sent.append(number)
        return oss2.Bucket.upload_part(renewed, key, upload_id, number, data, **named)

    renewed.upload_part = upload_part
    oss2.resumable_upload(renewed, key, str(source), **upload)
    assert sent == [3, 4], "the parts that were there must not be sent again"
    assert renewed.get_object(key).read() == source.read_bytes()


def test_parts_are_listed_completed_and_aborted(destination):
    bucket, key = destination.bucket, destination.key("多段.bin")
    upload_id = bucket.init_multipart_upload(key).upload_id
    size = 102_400
    for number in range(1, 6):
        bucket.upload_part(key, upload_id, number, bytes([number]) * size)
    listed = list(oss2.PartIterator(bucket, key, upload_id, max_parts=2))
    assert [part.part_number for part in listed] == [1, 2, 3, 4, 5]
    assert [part.size for part in listed] == [size] * 5
    page = bucket.list_parts(key, upload_id, marker="1", max_parts=2)
    assert [part.part_number for part in page.parts] == [2, 3]
    assert page.is_truncated and page.next_marker == "3"
    chosen = [PartInfo(part.part_number, part.etag) for part in listed if part.part_number != 2]
    done = bucket.complete_multipart_upload(key, upload_id, chosen)
    assert done.etag.endswith("-4")
    expected = b"".join(bytes([number]) * size for number in (1, 3, 4, 5))
    assert bucket.get_object(key).read() == expected
    again = refused(bucket.complete_multipart_upload, key, upload_id, chosen)
    assert (again.status, again.code) == (404, "NoSuchUpload")

    upload_id = bucket.init_multipart_upload(key).upload_id
    assert bucket.abort_multipart_upload(key, upload_id).status == 204
    gone = refused(bucket.upload_part, key, upload_id, 1, b"x")
    assert (gone.status, gone.code) == (404, "NoSuchUpload")


def test_completing_needs_the_right_parts(destination):
    bucket, key = destination.bucket, destination.key("wrong.bin")
    upload_id = bucket.init_multipart_upload(key).upload_id
    small = bucket.upload_part(key, upload_id, 1, b"x").etag
    last = bucket.upload_part(key, upload_id, 2, b"y").etag
    for parts, code in [
        ([PartInfo(1, small), PartInfo(2, last)], "EntityTooSmall"),
        ([PartInfo(2, "0" * 32)], "InvalidPart"),
        ([PartInfo(3, last)], "InvalidPart"),
    ]:
        error = refused(bucket.complete_multipart_upload, key, upload_id, parts)
        assert (error.status, error.code) == (400, code)
    bucket.complete_multipart_upload(key, upload_id, [PartInfo(2, last)])
    assert bucket.get_object(key).read() == b"y"


def test_a_signed_url_of_oss2(destination):
    bucket, key = destination.bucket, destination.key("签名 1+.txt")
    bucket.put_object(key, b"0123456789")
    url = bucket.sign_url("GET", key, 600)
    assert bucket.get_object_with_url(url).read() == b"0123456789"
    assert bucket.get_object_with_url(url, byte_range=(3, 4)).read() == b"34"
    tampered = refused(bucket.get_object_with_url, url.replace(".txt", ".txu"))
    assert (tampered.status, tampered.code) == (403, "SignatureDoesNotMatch")


def test_a_signed_url_of_the_platform(sandbox):
    destination = Destination(sandbox)
    key = destination.key("报告 1.txt")
    destination.bucket.put_object(key, b"0123456789")
    url = sandbox.call("/oss/sign_url", object_name=key)["url"]
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.read() == b"0123456789"
        assert answer.headers["x-oss-hash-crc64ecma"]
    head = urllib.request.Request(url, method="HEAD")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(head, timeout=60)
    assert caught.value.code == 403
    sandbox.set_store(expire_presigned=True)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=60)
    assert b"Request has expired." in caught.value.read()


def test_a_wrong_secret(sandbox):
    for version in ("v1", "v4"):
        wrong = Destination(sandbox, version, secret_suffix="x")
        error = refused(wrong.bucket.put_object, wrong.key("a"), b"x")
        assert (error.status, error.code) == (403, "SignatureDoesNotMatch")
        assert error.ec == "0002-00000040"
        assert error.details["StringToSign"]


def test_expired_credentials(sandbox, destination):
    bucket, key = destination.bucket, destination.key("a")
    bucket.put_object(key, b"x")
    sandbox.set_store(expire_sts=True)
    error = refused(bucket.get_object, key)
    assert (error.status, error.code) == (403, "SecurityTokenExpired")
    # The answer to HEAD has no body: its error travels in a header.
    assert refused(bucket.head_object, key).status == 403
    fresh = Destination(sandbox)
    fresh.bucket.put_object(fresh.key("a"), b"y")


def test_a_skewed_clock(sandbox, destination):
    for seconds in (3600, -3600):
        sandbox.set_store(clock_skew=seconds)
        error = refused(destination.bucket.put_object, destination.key("a"), b"x")
        assert (error.status, error.code) == (403, "RequestTimeTooSkewed")
        assert error.details["ServerTime"] != error.details["RequestTime"]
    sandbox.set_store(clock_skew=600)
    destination.bucket.put_object(destination.key("a"), b"x")


def test_either_signature_can_be_refused(sandbox):
    for name, version, other in (("refuse_v1", "v1", "v4"), ("refuse_v4", "v4", "v1")):
        sandbox.set_store(reset=True, **{name: True})
        blocked, open_ = Destination(sandbox, version), Destination(sandbox, other)
        error = refused(blocked.bucket.put_object, blocked.key("a"), b"x")
        assert error.status == 403
        if version == "v1":
            assert error.ec == "0002-00000080"
        open_.bucket.put_object(open_.key("a"), b"x")


def test_nothing_outside_the_destination(destination):
    for key in ("elsewhere/a", destination.key("sub/a"), destination.prefix, "a"):
        error = refused(destination.bucket.put_object, key, b"x")
        assert (error.status, error.code) == (403, "AccessDenied")
        assert refused(destination.bucket.get_object, key).status == 403


def test_oss2_notices_a_wrong_checksum(sandbox, destination, tmp_path):
    key = destination.key("a")
    destination.bucket.put_object(key, b"x")
    sandbox.set_store(wrong_crc=True)
    with pytest.raises(InconsistentError):
        destination.bucket.put_object(key, b"y")
    with pytest.raises(InconsistentError):
        destination.bucket.get_object_to_file(key, str(tmp_path / "a"))
