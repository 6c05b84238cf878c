"""bge upload, download and cat: files through the object store, from the shell."""
import json
import os
import pty
import random
import signal
import subprocess
import time

import pytest
from program import Bge

PART = 102_400


@pytest.fixture
def bge(sandbox, tmp_path):
    return Bge(sandbox, tmp_path / "home")


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def stores(sandbox, **query):
    """The store's requests so far."""
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return sandbox.control("GET", f"log?side=store&{words}")["requests"]


def killed(bge, is_far_enough, *arguments):
    """Starts a command, and kills it once it is far enough."""
    process = subprocess.Popen(
        bge.words(*arguments), cwd=bge.home, env=bge.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not is_far_enough():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_files_go_up_and_come_down(bge):
    files = {f"file {number}.bin": content(size, number) for number, size in enumerate((0, 1000, 300_000))}
    for name, data in files.items():
        (bge.home / name).write_bytes(data)
    objects = bge.good("upload", *files).splitlines()
    assert [name.rsplit("/", 1)[1] for name in objects] == list(files)
    one = bge.json("upload", "file 1.bin", "--filename", "other.bin", "--json")
    assert len(one) == 1 and one[0]["object_name"].endswith("/other.bin") and one[0]["size"] == 1000
    assert one[0]["verified"] is True

    paths = bge.good("download", *objects, "-o", "down/").splitlines()
    assert [os.path.basename(path) for path in paths] == list(files)
    for name, data in files.items():
        assert (bge.home / "down" / name).read_bytes() == data
    bge.good("download", objects[1], "-o", "renamed.bin")
    assert (bge.home / "renamed.bin").read_bytes() == files["file 1.bin"]
    (told,) = bge.json("download", one[0]["object_name"], "--json")
    assert told["crc64"] == one[0]["crc64"] and (bge.home / "other.bin").read_bytes() == files["file 1.bin"]
    # a presigned address
    url = bge.json("call", "get_download_url", "--object-name", objects[2])["url"]
    bge.good("download", url, "-o", "by-address.bin")
    assert (bge.home / "by-address.bin").read_bytes() == files["file 2.bin"]

    bge.fails(65, "--filename is for one file", "upload", *files, "--filename", "x")
    bge.fails(65, "must be a folder", "download", *objects, "-o", "x")
    bge.fails(65, "bge cat", "download", objects[0], "-o", "-")


def test_folders_and_what_fails_among_others(bge):
    folder = bge.home / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.txt").write_text("b")
    flat = bge.good("upload", folder).splitlines()
    assert [name.rsplit("/", 1)[1] for name in flat] == ["a.txt"]
    deep = bge.good("upload", folder, "--recursive", "--separator", "-").splitlines()
    assert sorted(name.rsplit("/", 1)[1] for name in deep) == ["a.txt", "sub-b.txt"]
    (bge.home / "c.txt").write_text("c")
    done = bge("upload", "c.txt", "missing.txt", "folder")
    assert done.returncode == 1 and "missing.txt" in done.stderr and "1 of 3 failed" in done.stderr
    assert sorted(name.rsplit("/", 1)[1] for name in done.stdout.splitlines()) == ["a.txt", "c.txt"]
    done = bge("upload", "c.txt", "missing.txt", "folder", "--json")
    assert done.returncode == 1 and [("error" in one) for one in json.loads(done.stdout)].count(True) == 1
    done = bge("download", flat[0], "no/such/object", "-o", "down/")
    assert done.returncode != 0 and "no/such/object" in done.stderr and "1 of 2 failed" in done.stderr
    assert (bge.home / "down" / "a.txt").read_text() == "a"


def test_an_upload_goes_on_where_it_was_killed(bge):
    data = content(10 * PART)
    (bge.home / "large.bin").write_bytes(data)
    words = ("upload", "large.bin", "--part-size", PART, "--multipart-threshold", 0, "--jobs", 1)
    bge.sandbox.control("POST", "faults", {
        "side": "store", "method": "PUT", "query": "*partNumber=*", "skip": 6, "count": 1, "kind": "hang",
    })
    parts = lambda: [one for one in stores(bge.sandbox, method="PUT") if "partNumber" in one["query"]]
    killed(bge, lambda: len(parts()) == 7, *words)
    before = len(parts())
    name = bge.good(*words).strip()
    again = {one["query"]["partNumber"] for one in parts()[before:]}
    assert {"7", "8", "9", "10"} <= again and len(again) <= 5
    assert subprocess.run(bge.words("cat", name), env=bge.environment, capture_output=True, check=True).stdout == data
    notes = list(bge.home.glob(".local/state/bge/uploads/*"))
    assert notes == []
    # nothing is kept where that is not wanted
    bge.good(*words, "--no-resume", HOME=str(bge.home / "elsewhere"))
    assert not (bge.home / "elsewhere").exists()


def test_a_download_goes_on_where_it_was_killed(bge):
    size = 40 << 20
    (bge.home / "large.bin").write_bytes(content(size))
    name = bge.good("upload", "large.bin").strip()
    words = ("download", name, "-o", "down.bin")
    bge.sandbox.control("POST", "faults", {
        "side": "store", "method": "GET", "skip": 3, "count": 1, "kind": "hang",
    })
    journal = bge.home / "down.bin.bge-part.state"
    stretches = lambda: journal.read_text().count('"stretch"') if journal.exists() else 0
    killed(bge, lambda: stretches() >= 2, *words)
    assert not (bge.home / "down.bin").exists()
    before = len(stores(bge.sandbox, method="GET"))
    bge.good(*words)
    assert (bge.home / "down.bin").read_bytes() == (bge.home / "large.bin").read_bytes()
    ranges = [one["headers"].get("range") for one in stores(bge.sandbox, method="GET")[before:]]
    asked = 0
    for text in filter(None, ranges):
        first, last = text.removeprefix("bytes=").split("-")
        asked += int(last or size - 1) - int(first) + 1
    assert 0 < asked <= size - 2 * (8 << 20)


def test_parts_of_objects_go_to_standard_output(bge):
    data = content(600_000)
    (bge.home / "some.bin").write_bytes(data)
    name = bge.good("upload", "some.bin").strip()

    def cat(*arguments):
        done = subprocess.run(bge.words("cat", *arguments), env=bge.environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert cat(name) == data and cat(name, name) == data + data
    for text, part in (
        ("0-0", data[:1]), ("100-299", data[100:300]), ("599000-", data[599_000:]), ("-7", data[-7:]),
        ("-9999999", data), ("599990-700000", data[599_990:]), ("700000-", b""),
    ):
        assert cat(name, "--range", text) == part, text
    bge.fails(65, "FROM-TO", "cat", name, "--range", "9-3")
    script = f"('{bge.words()[0]}' cat '{name}'; echo $? >&2) | head -c 10"
    done = subprocess.run(["bash", "-c", script], env=bge.environment, capture_output=True, timeout=60)
    assert done.stdout == data[:10] and done.stderr.split() == [b"141"]


def test_objects_are_encrypted_and_decrypted(bge):
    ready = bge.sandbox.ready
    (bge.home / "some.txt").write_text("a secret text")
    kms = ("--kms-endpoint", ready["kms"]["endpoint"])
    name = bge.good("upload", "some.txt", "--cmk-id", ready["kms"]["key_id"], *kms).strip()
    assert bge.good("cat", name, *kms) == "a secret text"
    bge.good("download", name, "-o", "stored.bin", "--no-decrypt")
    stored = (bge.home / "stored.bin").read_bytes()
    assert len(stored) == 13 and stored != b"a secret text"


def test_progress_is_for_people(bge):
    (bge.home / "some.bin").write_bytes(content(30 * PART))
    bge.sandbox.control("POST", "faults", {
        "side": "store", "method": "PUT", "count": 0, "kind": "delay_headers", "ms": 100, "after_work": True,
    })
    words = ("upload", "some.bin", "--part-size", PART, "--multipart-threshold", 0, "--jobs", 2)
    done = bge(*words)
    assert done.returncode == 0 and done.stderr == ""

    def watched(*more):
        reader, terminal = pty.openpty()
        environment = dict(bge.environment, TERM="xterm", COLUMNS="100")
        process = subprocess.Popen(bge.words(*words, *more), cwd=bge.home, env=environment,
                                   stdout=subprocess.PIPE, stderr=terminal)
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(reader, 65536)
            except OSError:
                break
            shown += piece
        assert process.wait() == 0, shown
        os.close(reader)
        return shown

    assert b"some.bin [" in (shown := watched()) and b"MiB" in shown and b"left:" in shown
    assert watched("--quiet") == b""
