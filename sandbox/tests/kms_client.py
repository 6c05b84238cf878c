"""Aliyun's own clients (aliyunsdkkms, oss2's CryptoBucket) against the key service of bge-sandbox.

BGE_SANDBOX_BIN names the program to test. Run: pytest kms_client.py
"""

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import oss2
import pytest
from aliyunsdkcore.auth.composer.rpc_signature_composer import get_signed_url
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.algorithm import sha_hmac1
from aliyunsdkkms.request.v20160120.DecryptRequest import DecryptRequest
from aliyunsdkkms.request.v20160120.EncryptRequest import EncryptRequest
from aliyunsdkkms.request.v20160120.GenerateDataKeyRequest import GenerateDataKeyRequest
from oss2.crypto import AliKMSProvider
from oss2.exceptions import OpenApiServerError
from oss2.models import MultipartUploadCryptoContext, PartInfo

from oss2_client import Sandbox

REGION = "cn-shenzhen"
IV = "8PHy8/T19vcAAAAA/P3+/w=="


@pytest.fixture(scope="module")
def sandbox():
    running = Sandbox()
    yield running
    running.stop()


def control(sandbox, method, name, body=None):
    data = None if body is None else json.dumps(body).encode()
    url = f"{sandbox.endpoint}/__sandbox__/{name}"
    with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(autouse=True)
def as_at_the_start(sandbox):
    control(sandbox, "DELETE", "options")
    control(sandbox, "DELETE", "faults")


class Client:
    """Aliyun's client of the key service, led to the sandbox's."""

    def __init__(self, sandbox, keys=None, **changes):
        self.kms = sandbox.ready["kms"]
        keys = dict(keys or sandbox.token()["credentials"], **changes)
        pair = keys["access_key_id"], keys["access_key_secret"]
        token = keys.get("security_token")
        # This is how the clients of today take a token: their requests have no member of their own for it.
        credential = StsTokenCredential(*pair, token) if token else AccessKeyCredential(*pair)
        self.client = AcsClient(region_id=REGION, credential=credential, auto_retry=False)

    def ask(self, request, **parameters):
        request.set_accept_format("json")
        request.set_method("POST")
        for name, value in dict({"EncryptionContext": ""}, **parameters).items():
            request.add_query_param(name, value)
        return json.loads(self.do_action_with_exception(request))

    def do_action_with_exception(self, request):
        request.set_endpoint(self.kms["endpoint"].removeprefix("http://"))
        request.set_protocol_type("http")
        return self.client.do_action_with_exception(request)

    def refused(self, request, **parameters):
        with pytest.raises(ServerException) as caught:
            self.ask(request, **parameters)
        assert caught.value.request_id
        return caught.value.http_status, caught.value.error_code


def test_a_data_key_and_a_text_come_back(sandbox):
    client, key = Client(sandbox), sandbox.ready["kms"]["key_id"]
    data_key = client.ask(GenerateDataKeyRequest(), KeyId=key, KeySpec="AES_256", NumberOfBytes=32)
    assert len(base64.b64decode(data_key["Plaintext"], validate=True)) == 32
    assert data_key["KeyId"] == key and data_key["RequestId"]
    base64.b64decode(data_key["CiphertextBlob"], validate=True)
    back = client.ask(DecryptRequest(), CiphertextBlob=data_key["CiphertextBlob"])
    assert (back["Plaintext"], back["KeyId"]) == (data_key["Plaintext"], key)
    wrapped = client.ask(EncryptRequest(), KeyId=key, Plaintext=IV)
    assert "Plaintext" not in wrapped and IV not in base64.b64decode(wrapped["CiphertextBlob"]).decode("latin-1")
    assert client.ask(DecryptRequest(), CiphertextBlob=wrapped["CiphertextBlob"])["Plaintext"] == IV
    other = client.ask(GenerateDataKeyRequest(), KeyId=key, KeySpec="AES_128")
    assert len(base64.b64decode(other["Plaintext"])) == 16
    assert other["Plaintext"] != data_key["Plaintext"]


def test_the_context_must_be_the_same(sandbox):
    client, key = Client(sandbox), sandbox.ready["kms"]["key_id"]
    context = '{"x-passphrase": "口令", "a": "b"}'
    wrapped = client.ask(EncryptRequest(), KeyId=key, Plaintext=IV, EncryptionContext=context)["CiphertextBlob"]
    same = '{"a":"b","x-passphrase":"口令"}'
    assert client.ask(DecryptRequest(), CiphertextBlob=wrapped, EncryptionContext=same)["Plaintext"] == IV
    for context in ("", '{"a": "b"}', "[1]"):
        assert client.refused(DecryptRequest(), CiphertextBlob=wrapped, EncryptionContext=context)[0] == 400


def test_keys_that_cannot_be_used(sandbox):
    client, kms = Client(sandbox), sandbox.ready["kms"]
    wrapped = client.ask(EncryptRequest(), KeyId=kms["key_id"], Plaintext=IV)["CiphertextBlob"]
    disabled, foreign = (409, "Rejected.Disabled"), (403, "Forbidden.NoPermission")
    for key, expected in [
        (kms["disabled_key_id"], disabled),
        (kms["foreign_key_id"], foreign),
        ("7906979c-8e06-46a2-be2d-68e3ccbc0000", (404, "Forbidden.KeyNotFound")),
    ]:
        assert client.refused(GenerateDataKeyRequest(), KeyId=key, KeySpec="AES_256") == expected
        assert client.refused(EncryptRequest(), KeyId=key, Plaintext=IV) == expected
    # What was wrapped once can be refused later.
    for state, expected in [("disabled", disabled), ("foreign", foreign)]:
        control(sandbox, "POST", "keys", {"key_id": kms["key_id"], "state": state})
        assert client.refused(DecryptRequest(), CiphertextBlob=wrapped) == expected
    control(sandbox, "POST", "keys", {"key_id": kms["key_id"], "state": "enabled"})
    assert client.ask(DecryptRequest(), CiphertextBlob=wrapped)["Plaintext"] == IV
    flipped = bytearray(base64.b64decode(wrapped))
    flipped[-20] ^= 1
    for wrong in (base64.b64encode(flipped).decode(), "d3JhcHBlZC1pdi1vZi10ZXN0", "?"):
        assert client.refused(DecryptRequest(), CiphertextBlob=wrong) == (400, "InvalidParameter")


def test_arguments(sandbox):
    client, key = Client(sandbox), sandbox.ready["kms"]["key_id"]
    missing, invalid = (400, "MissingParameter"), (400, "InvalidParameter")
    assert client.refused(GenerateDataKeyRequest()) == missing
    assert client.refused(EncryptRequest(), KeyId=key) == missing
    assert client.refused(DecryptRequest()) == missing
    assert client.refused(EncryptRequest(), KeyId=key, Plaintext="not base64!") == invalid
    for length in (0, 1025, "x"):
        assert client.refused(GenerateDataKeyRequest(), KeyId=key, NumberOfBytes=length) == invalid
    assert client.refused(GenerateDataKeyRequest(), KeyId=key, KeySpec="AES_512") == invalid


def test_callers(sandbox):
    key = sandbox.ready["kms"]["key_id"]
    refused = lambda client: client.refused(EncryptRequest(), KeyId=key, Plaintext=IV)
    keys, others = sandbox.token()["credentials"], sandbox.token()["credentials"]
    unknown = (404, "InvalidAccessKeyId.NotFound")
    # SignatureDoesNotMatch on the wire: the client finds that both signed the same text, so it was the secret.
    assert refused(Client(sandbox, keys, access_key_secret="wrong"))[1] == "InvalidAccessKeySecret"
    assert refused(Client(sandbox, keys, access_key_id="STS.unknown")) == unknown
    assert refused(Client(sandbox, keys, security_token="")) == unknown
    mixed = Client(sandbox, keys, security_token=others["security_token"])
    assert refused(mixed) == (400, "InvalidSecurityToken.MismatchWithAccessKey")
    made_up = Client(sandbox, keys, security_token="CAIS")
    assert refused(made_up) == (400, "InvalidSecurityToken.Malformed")
    control(sandbox, "POST", "expire", {"what": "sts", "access_key_id": keys["access_key_id"]})
    assert refused(Client(sandbox, keys)) == (400, "InvalidSecurityToken.Expired")
    assert Client(sandbox, others).ask(EncryptRequest(), KeyId=key, Plaintext=IV)
    # A key pair of the caller's own needs no token.
    kms = sandbox.ready["kms"]
    own = {"access_key_id": kms["access_key_id"], "access_key_secret": kms["access_key_secret"]}
    assert Client(sandbox, own).ask(EncryptRequest(), KeyId=key, Plaintext=IV)


def signed(sandbox, in_form=False, **changes):
    """A request put together by hand: its status and answer."""
    kms, keys = sandbox.ready["kms"], sandbox.token()["credentials"]
    parameters = {
        "Action": "Encrypt",
        "Version": "2016-01-20",
        "Format": "JSON",
        "RegionId": REGION,
        "AccessKeyId": keys["access_key_id"],
        "SecurityToken": keys["security_token"],
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureType": "",
        "SignatureNonce": os.urandom(8).hex(),
        "Timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "KeyId": kms["key_id"],
        "Plaintext": IV,
        "EncryptionContext": "",
    }
    parameters.update(changes)
    parameters = {name: value for name, value in parameters.items() if value is not None}
    enc = lambda text: urllib.parse.quote(text, safe="-_.~")
    pairs = "&".join(f"{enc(name)}={enc(value)}" for name, value in sorted(parameters.items()))
    text = "POST&%2F&" + enc(pairs)
    parameters.setdefault("Signature", sha_hmac1.get_sign_string(text, keys["access_key_secret"] + "&"))
    encoded = urllib.parse.urlencode(parameters)
    url, body = (kms["endpoint"] + "/", encoded.encode()) if in_form else (f"{kms['endpoint']}/?{encoded}", b"")
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def code(answer):
    return answer[0], json.loads(answer[1])["Code"]


def test_parameters_may_be_a_query_or_a_form_and_answers_xml(sandbox):
    for in_form in (False, True):
        status, text = signed(sandbox, in_form)
        assert status == 200 and json.loads(text)["CiphertextBlob"]
    status, text = signed(sandbox, Format=None)
    assert status == 200 and "<EncryptResponse><KeyId>" in text
    refusal = signed(sandbox, KeyId="none")
    assert code(refusal) == (404, "Forbidden.KeyNotFound")
    assert set(json.loads(refusal[1])) >= {"Code", "Message", "RequestId", "HostId"}


def test_requests_are_of_now(sandbox):
    assert signed(sandbox, SignatureNonce="once")[0] == 200
    # Another caller's nonces are another's.
    assert signed(sandbox, SignatureNonce="once")[0] == 200
    stamp = lambda seconds: (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for seconds in (-890, 890):
        assert signed(sandbox, Timestamp=stamp(seconds))[0] == 200
    for seconds in (-910, 910):
        assert code(signed(sandbox, Timestamp=stamp(seconds))) == (400, "InvalidTimeStamp.Expired")
    assert code(signed(sandbox, Timestamp="2026-11-25 08:00:00")) == (400, "InvalidTimeStamp.Format")
    control(sandbox, "POST", "options", {"kms_clock_skew": 3600})
    assert code(signed(sandbox)) == (400, "InvalidTimeStamp.Expired")
    assert signed(sandbox, Timestamp=stamp(3600))[0] == 200
    # It says what time it takes it to be.
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sandbox.ready["kms"]["endpoint"] + "/?Action=Decrypt&Format=JSON", timeout=60)
    ahead = parsedate_to_datetime(caught.value.headers["Date"]) - datetime.now(timezone.utc)
    assert 3_500 < ahead.total_seconds() < 3_700


def test_a_request_that_is_sent_twice(sandbox):
    kms, keys = sandbox.ready["kms"], sandbox.token()["credentials"]
    request = EncryptRequest()
    request.set_KeyId(kms["key_id"])
    request.set_Plaintext(IV)
    request.set_accept_format("json")
    credential = StsTokenCredential(keys["access_key_id"], keys["access_key_secret"], keys["security_token"])
    parameters = dict(request.get_query_params(), RegionId=REGION, Action="Encrypt", Version="2016-01-20",
                      Format="JSON", SecurityToken=keys["security_token"])
    path, _ = get_signed_url(parameters, credential.sts_access_key_id, credential.sts_access_key_secret,
                             "JSON", "POST", {}, sha_hmac1)
    send = lambda: urllib.request.urlopen(
        urllib.request.Request(kms["endpoint"] + path, data=b"", method="POST"), timeout=60)
    assert send().status == 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        send()
    assert json.load(caught.value)["Code"] == "SignatureNonceUsed"


def test_what_is_missing_or_wrong_in_a_request(sandbox):
    for name in ("AccessKeyId", "SignatureNonce", "Timestamp", "Version", "SignatureMethod", "Action"):
        assert code(signed(sandbox, **{name: None})) == (400, "MissingParameter"), name
    assert code(signed(sandbox, Action="ListKeys")) == (404, "InvalidAction.NotFound")
    assert code(signed(sandbox, Version="2015-01-01")) == (400, "InvalidVersion")
    assert code(signed(sandbox, SignatureMethod="HMAC-SHA256")) == (400, "InvalidParameter")
    assert code(signed(sandbox, Signature="AAAA")) == (400, "SignatureDoesNotMatch")


def test_faults_speak_the_language_of_the_service(sandbox):
    plan = lambda **fault: control(sandbox, "POST", "faults", dict(side="kms", **fault))
    plan(kind="status", status=503)
    plan(kind="status", status=400, xml={"code": "Throttling", "message": "flow control"})
    plan(kind="expired_sts")
    assert code(signed(sandbox)) == (503, "ServiceUnavailableTemporary")
    assert code(signed(sandbox)) == (400, "Throttling")
    assert code(signed(sandbox)) == (400, "InvalidSecurityToken.Expired")
    assert signed(sandbox)[0] == 200
    log = control(sandbox, "GET", "log?side=kms&last=1")["requests"][0]
    assert (log["query"]["Action"], log["status"]) == ("Encrypt", 200)


class Encrypted:
    """oss2's bucket that encrypts, and the same bucket as it is stored."""

    def __init__(self, sandbox, cmk_id=None, passphrase=None):
        token = sandbox.token()
        keys = token["credentials"]
        self.prefix = token["destination"]
        pair = keys["access_key_id"], keys["access_key_secret"]
        key = cmk_id or sandbox.ready["kms"]["key_id"]
        self.provider = AliKMSProvider(*pair, REGION, key, passphrase=passphrase)
        self.provider.kms_client = Client(sandbox, keys)
        auth = oss2.StsAuth(*pair, keys["security_token"])
        where = (auth, token["endpoint"], token["bucket"])
        self.bucket = oss2.CryptoBucket(*where, crypto_provider=self.provider, connect_timeout=60)
        self.plain = oss2.Bucket(*where, connect_timeout=60)

    def key(self, name):
        return f"{self.prefix}/{name}"


@pytest.mark.parametrize("passphrase", [None, "口令"])
def test_an_object_encrypted_by_oss2_comes_back(sandbox, passphrase):
    at = Encrypted(sandbox, passphrase=passphrase)
    content = "组学数据 omics\n".encode() * 5_000
    at.bucket.put_object(at.key("样本.txt"), content)
    stored = at.plain.get_object(at.key("样本.txt"))
    headers = stored.headers
    assert headers["x-oss-meta-client-side-encryption-wrap-alg"] == "KMS/ALICLOUD"
    kept = stored.read()
    assert len(kept) == len(content) and kept != content
    assert at.bucket.get_object(at.key("样本.txt")).read() == content
    # With credentials of another token, too.
    again = Encrypted(sandbox, passphrase=passphrase)
    assert again.bucket.get_object(at.key("样本.txt")).read() == content
    assert at.bucket.get_object(at.key("样本.txt"), byte_range=(1_003, 70_000)).read() == content[1_003:70_001]


def test_parts_encrypted_by_oss2_come_back(sandbox):
    at, key = Encrypted(sandbox), None
    key = at.key("大.bin")
    part_size, content = 102_400, os.urandom(2 * 102_400 + 777)
    context = MultipartUploadCryptoContext(data_size=len(content), part_size=part_size)
    upload_id = at.bucket.init_multipart_upload(key, upload_context=context).upload_id
    parts = []
    for number, start in enumerate(range(0, len(content), part_size), 1):
        sent = at.bucket.upload_part(key, upload_id, number, content[start:start + part_size], upload_context=context)
        parts.append(PartInfo(number, sent.etag, size=len(content[start:start + part_size]), part_crc=sent.crc))
    at.bucket.complete_multipart_upload(key, upload_id, parts)
    assert at.plain.get_object(key).read() != content
    assert at.bucket.get_object(key).read() == content
    assert at.bucket.get_object(key, byte_range=(102_399, 204_801)).read() == content[102_399:204_802]


def test_oss2_is_refused_as_the_service_says(sandbox):
    kms = sandbox.ready["kms"]
    for cmk_id, status, refusal in [
        (kms["disabled_key_id"], 409, "Rejected.Disabled"),
        (kms["foreign_key_id"], 403, "Forbidden.NoPermission"),
    ]:
        at = Encrypted(sandbox, cmk_id)
        with pytest.raises(OpenApiServerError) as caught:
            at.bucket.put_object(at.key("a"), b"x")
        assert (caught.value.status, caught.value.code) == (status, refusal)
