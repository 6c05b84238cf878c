"""Files up and down: libbge beside curl (same server, same run, by turns), oss2 and the official SDK; one line a figure.

    transfers.py PROGRAM SANDBOX [LINE]

With LINE, what the network's rate is, only what encryption costs there.
"""
import base64
import email.utils
import functools
import hashlib
import hmac
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

PROGRAM, SANDBOX = sys.argv[1:3]
LINE = f" over {sys.argv[3]}" if sys.argv[3:] else ""
MIB = int(os.environ.get("BGE_BENCH_MIB", 1024))
RUNS = int(os.environ.get("BGE_BENCH_RUNS", 5))
SMALL_FILES, SMALL = 1000, 16 * 1024


class Sandbox:
    def __init__(self):
        self.process = subprocess.Popen(
            [SANDBOX, "--stdin-lifetime"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.endpoint = self.ready["endpoint"]
        os.environ.update(BGE_ENDPOINT=self.endpoint, BGE_ACCESS_TOKEN=self.ready["access_token"])
        os.environ.update(BGE_KMS_ENDPOINT=self.ready["kms"]["endpoint"])

    def post(self, path, body, kind="application/json"):
        headers = {"Authorization": f"Bearer {self.ready['access_token']}", "Content-Type": kind}
        request = urllib.request.Request(self.endpoint + path, body.encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def token(self):
        return self.post("/sts/token", "", "application/x-www-form-urlencoded")["data"]

    def url(self, object_name):
        form = urllib.parse.urlencode({"object_name": object_name})
        return self.post("/oss/sign_url", form, "application/x-www-form-urlencoded")["data"]["url"]


def run(command):
    """Its output and the CPU seconds it used."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return output, usage.ru_utime + usage.ru_stime


def libbge(call, **args):
    output, cpu = run([PROGRAM, call, json.dumps(args)])
    told = json.loads(output)
    return told["seconds"], cpu, (told["peak_kib"] - told["idle_kib"]) / 1024, told["result"]


def curl(*arguments):
    output, cpu = run(["curl", "-sS", "-f", "-w", "\n%{time_total}", *arguments])
    return float(output.strip().splitlines()[-1]), cpu


def signed(sandbox, name):
    """Headers and address of an upload by curl, signed as the store wants it."""
    token = sandbox.token()
    keys = token["credentials"]
    date = email.utils.formatdate(usegmt=True)
    key = f"{token['destination']}/{name}"
    text = (
        f"PUT\n\napplication/octet-stream\n{date}\n"
        f"x-oss-security-token:{keys['security_token']}\n/{token['bucket']}/{key}"
    )
    mac = hmac.new(keys["access_key_secret"].encode(), text.encode(), hashlib.sha1).digest()
    headers = [
        "Expect:",
        f"Date: {date}",
        "Content-Type: application/octet-stream",
        f"x-oss-security-token: {keys['security_token']}",
        f"Authorization: OSS {keys['access_key_id']}:{base64.b64encode(mac).decode()}",
    ]
    return [word for header in headers for word in ("-H", header)] + [f"{token['endpoint']}/{token['bucket']}/{key}"]


def by_turns(**measures):
    """Each of them so many times, in an order that turns, with no disk writes of the one before it under way."""
    results = {name: [] for name in measures}
    names = list(measures)
    for turn in range(RUNS):
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            os.sync()
            results[name].append(measures[name]())
    return results


def beside(what, measures, other):
    """Medians of libbge by turns with curl."""
    ours, theirs = list(zip(*measures)), list(zip(*other))
    seconds, against = statistics.median(ours[0]), statistics.median(theirs[0])
    cpu, against_cpu = statistics.median(ours[1]), statistics.median(theirs[1])
    print(
        f"{what}: {MIB / seconds:.0f} MiB/s, curl {MIB / against:.0f} MiB/s, ratio {against / seconds:.2f}; "
        f"CPU {cpu:.2f} s, curl {against_cpu:.2f} s, ratio {cpu / against_cpu:.2f}; "
        f"peak memory {max(ours[2]):.1f} MiB above idle",
        flush=True,
    )


def random_file(path):
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for number in range(MIB):
            file.write(number.to_bytes(8, "big") + block[8:])


def large(sandbox, folder):
    source, target = str(folder / "large.bin"), str(folder / "back.bin")
    one = {"path": source, "multipart_threshold": 5 << 30}
    uploads = {
        "upload, one request": one,
        "upload, parts of 50 MiB, 1 connection": {**one, "multipart_threshold": 1, "multipart_num_threads": 1},
        "upload, parts of 50 MiB, 4 connections": {**one, "multipart_threshold": 1},
        "upload, parts of 8 MiB, 4 connections": {**one, "multipart_threshold": 1, "part_size": 8 << 20},
    }
    libbge("upload_file", **one)
    measured = by_turns(
        curl=lambda: curl("-T", source, *signed(sandbox, "curl.bin")),
        **{name: functools.partial(libbge, "upload_file", **args) for name, args in uploads.items()},
    )
    for name in uploads:
        beside(name, measured[name], measured["curl"])

    object_name = libbge("upload_file", **one)[3]["object_name"]
    url = sandbox.url(object_name)

    def fetched(fetch):
        try:
            return fetch()
        finally:
            os.remove(target)

    def downloaded(connections):
        args = {"object_name": object_name, "path": target, "multipart_num_threads": connections}
        return fetched(lambda: libbge("download", **args))

    downloads = {"download, 1 connection": 1, "download, 4 connections": 4}
    measured = by_turns(
        curl=lambda: fetched(lambda: curl("-o", target, url)),
        **{name: functools.partial(downloaded, connections) for name, connections in downloads.items()},
    )
    for name in downloads:
        beside(name, measured[name], measured["curl"])

    import oss2

    token = sandbox.token()
    keys = token["credentials"]
    auth = oss2.StsAuth(keys["access_key_id"], keys["access_key_secret"], keys["security_token"])
    bucket = oss2.Bucket(auth, token["endpoint"], token["bucket"])
    ours = statistics.median(libbge("upload_file", **uploads["upload, parts of 50 MiB, 4 connections"])[0] for _ in range(3))
    began = time.monotonic()
    oss2.resumable_upload(
        bucket,
        f"{token['destination']}/oss2.bin",
        source,
        store=oss2.ResumableStore(root=str(folder)),
        multipart_threshold=1,
        part_size=50 << 20,
        num_threads=4,
    )
    took = time.monotonic() - began
    print(f"upload, parts of 50 MiB, 4 connections: {ours:.2f} s, oss2 resumable_upload {took:.2f} s, ratio {took / ours:.1f}")


def encrypted(sandbox, folder):
    """The same transfer with and without a key, by turns."""
    source, target = str(folder / "large.bin"), str(folder / "back.bin")
    key = {"cmk_id": sandbox.ready["kms"]["key_id"]}
    once = {"path": source, "multipart_threshold": 5 << 30}
    parts = {"path": source, "multipart_threshold": 1}

    def down(**args):
        try:
            return libbge("download", path=target, **args)
        finally:
            os.remove(target)

    names = {
        "plain": libbge("upload_file", **once)[3]["object_name"],
        "sealed": libbge("upload_file", **once, **key)[3]["object_name"],
    }
    pairs = {
        "upload, one request": (lambda more: libbge("upload_file", **once, **more), {}, key),
        "upload, parts of 50 MiB, 4 connections": (lambda more: libbge("upload_file", **parts, **more), {}, key),
        "download, 1 connection": (
            lambda name: down(object_name=names[name], multipart_num_threads=1), "plain", "sealed"),
        "download, 4 connections": (lambda name: down(object_name=names[name]), "plain", "sealed"),
    }
    for what, (measure, plain, sealed) in pairs.items():
        measured = by_turns(plain=functools.partial(measure, plain), sealed=functools.partial(measure, sealed))
        (one, one_cpu, one_memory, _), (other, other_cpu, other_memory, _) = (
            list(zip(*measured[name])) for name in ("plain", "sealed"))
        seconds, with_key = statistics.median(one), statistics.median(other)
        print(
            f"{what}, encrypted{LINE}: {MIB / with_key:.0f} MiB/s, plain {MIB / seconds:.0f} MiB/s, "
            f"{with_key / seconds:.2f} times as long (aim: at most 1.25); "
            f"CPU {statistics.median(other_cpu):.2f} s, plain {statistics.median(one_cpu):.2f} s; "
            f"peak memory {max(other_memory) - max(one_memory):+.1f} MiB",
            flush=True,
        )


def many_parts(folder):
    """What a part costs among few others and among as many as there may be: its record must not cost more."""
    figures = {}
    for parts in (1000, 10_000):
        source = folder / f"{parts}.bin"
        with open(source, "wb") as file:
            file.truncate(parts * 102_400)
        args = {"path": str(source), "multipart_threshold": 1, "part_size": 102_400, "multipart_num_threads": 8}
        measured = by_turns(
            without=functools.partial(libbge, "upload_file", **args),
            noted=functools.partial(libbge, "upload_file", **args, checkpoint_dir=str(folder / "checkpoints")),
        )
        figures[parts] = {
            name: (
                statistics.median(seconds for seconds, *_ in runs) / parts * 1e6,
                statistics.median(cpu for _, cpu, *_ in runs) / parts * 1e6,
            )
            for name, runs in measured.items()
        }
        os.remove(source)
    (few, few_cpu), (many, many_cpu) = figures[1000]["noted"], figures[10_000]["noted"]
    print(
        f"a part of 100 KiB with a journal: {few:.0f} µs among 1,000, {many:.0f} µs among 10,000, ratio {many / few:.2f}; "
        f"CPU {few_cpu:.0f} and {many_cpu:.0f} µs; without a journal {figures[10_000]['without'][0]:.0f} µs among 10,000",
        flush=True,
    )


def small(sandbox, folder):
    files = folder / "small"
    files.mkdir()
    for number in range(SMALL_FILES):
        (files / f"{number:04}.bin").write_bytes(os.urandom(SMALL))
    seconds, _, memory, results = libbge("upload_dir", path=str(files))
    assert len(results) == SMALL_FILES and all(result["verified"] for result in results)
    from bgesdk import API

    few = folder / "few"
    few.mkdir()
    for number in range(SMALL_FILES // 10):
        os.link(files / f"{number:04}.bin", few / f"{number:04}.bin")
    api = API(sandbox.ready["access_token"], endpoint=sandbox.endpoint)
    began = time.monotonic()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        stdout, sys.stdout = sys.stdout, nowhere
        try:
            names = api.upload_dir(str(few))
        finally:
            sys.stdout = stdout
    took = time.monotonic() - began
    assert len(names) == SMALL_FILES // 10
    rate, theirs = SMALL_FILES / seconds, len(names) / took
    print(
        f"{SMALL_FILES} files of 16 KiB: {rate:.0f} files/s, the official SDK {theirs:.0f} files/s, "
        f"ratio {rate / theirs:.1f}; peak memory {memory:.1f} MiB above idle"
    )


def main():
    sandbox = Sandbox()
    # The server's own costs are the same for all; its MD5 alone would hide the differences.
    sandbox.post("/__sandbox__/options", json.dumps({"log": "off", "store": {"no_md5": True}}))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        random_file(folder / "large.bin")
        if not LINE:
            large(sandbox, folder)
        encrypted(sandbox, folder)
        if not LINE:
            many_parts(folder)
            small(sandbox, folder)
    sandbox.process.stdin.close()
    sandbox.process.wait()


main()
