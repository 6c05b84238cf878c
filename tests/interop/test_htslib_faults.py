"""Reads of `bge:` addresses while things go wrong: the right bytes, or an error; never anything else."""
import base64
import contextlib
import random
import subprocess
import time

from conftest import LONG, REGION, local

# What a store does now and then to one of its answers, and what the platform does.
OF_STORE = [
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 403},
    {"kind": "reset"},
    {"kind": "reset_body"},
    {"kind": "truncate"},
    {"kind": "corrupt"},
    {"kind": "close"},
    {"kind": "delay_headers", "ms": 50},
    {"kind": "delay_body", "ms": 50},
    {"kind": "content_range", "shift": 1},
    {"kind": "short_range"},
]
OF_PLATFORM = [
    {"kind": "status", "status": 503},
    {"kind": "reset"},
    {"kind": "truncate"},
    {"kind": "not_json"},
]


def schedule(chance):
    """Some faults, each at some request: seldom too many of them to be overcome."""
    for _ in range(chance.randint(1, 4)):
        side, kinds = chance.choice([("store", OF_STORE), ("store", OF_STORE), ("platform", OF_PLATFORM)])
        where = {"method": "GET"} if side == "store" else {"path": "/oss/sign_url"}
        yield {**chance.choice(kinds), **where, "side": side, "skip": chance.randint(0, 5), "count": chance.randint(1, 3)}


def test_no_schedule_of_faults_gives_other_bytes(genomes, objects, folder, tmp_path):
    bam, vcf = objects["bam"], objects["gz"]
    copy, index = local(folder, bam), local(folder, objects["bai"])
    ways = [
        (["samtools", "view", "--no-PG"], bam, []),
        (["samtools", "view", "--no-PG", "-@4"], bam, []),
        (["samtools", "view", "--no-PG", "-X"], bam, [str(index), REGION]),
        (["bcftools", "view", "--no-version"], vcf, []),
        (["htsfile", "--copy"], bam, ["got"]),
    ]

    def outcome(words, address, rest):
        (tmp_path / "got").unlink(missing_ok=True)
        done = subprocess.run(
            [*words, address, *rest], cwd=tmp_path, env=genomes.environment, capture_output=True, timeout=300
        )
        written = (tmp_path / "got").read_bytes() if rest == ["got"] and done.returncode == 0 else b""
        return done.returncode, done.stdout + written, done.stderr.decode(errors="replace")

    wanted = [outcome(words, str(local(folder, name)), rest) for words, name, rest in ways]
    assert all(code == 0 and text for code, text, _ in wanted), wanted
    assert wanted[4][1] == copy.read_bytes()
    right = wrong = 0
    for number in range(100 if LONG else 10):
        chance = random.Random(number)
        way = number % len(ways)
        faults = list(schedule(chance))
        genomes.control("DELETE", "faults")
        for fault in faults:
            genomes.control("POST", "faults", fault)
        words, name, rest = ways[way]
        code, text, told = outcome(words, f"bge:{name}", rest)
        if code == 0:
            right += 1
            assert text == wanted[way][1], f"schedule {number} is silently wrong: {faults}"
        else:
            wrong += 1
            assert told.strip(), f"schedule {number} fails without a word: {faults}"
    genomes.control("DELETE", "faults")
    assert right > wrong, f"{wrong} of {right + wrong} failed"


@contextlib.contextmanager
def slow_reading(genomes, name, folder):
    """A read of which the store has begun to answer the first request, which takes seconds."""
    slowly = {"side": "store", "method": "GET", "count": 0, "kind": "drip", "bytes": 65_536, "interval_ms": 500}
    genomes.control("POST", "faults", slowly)
    genomes.control("DELETE", "log")
    reading = subprocess.Popen(
        ["samtools", "view", "--no-PG", f"bge:{name}"],
        cwd=folder,
        env=genomes.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        while not any(r["side"] == "store" for r in genomes.control("GET", "log")["requests"]):
            time.sleep(0.05)
        yield reading
    finally:
        reading.kill()
        genomes.control("DELETE", "faults")


def test_an_address_that_ends_in_mid_read_is_replaced(genomes, objects, folder, tmp_path):
    name = objects["bam"]
    wanted = subprocess.run(
        ["samtools", "view", "--no-PG", local(folder, name)], env=genomes.environment, capture_output=True, check=True
    ).stdout
    with slow_reading(genomes, name, tmp_path) as reading:
        genomes.control("POST", "expire", {"what": "presigned"})
        genomes.control("DELETE", "faults")
        got, told = reading.communicate(timeout=120)
        assert reading.returncode == 0 and got == wanted, told
        assert genomes.asked(path="/oss/sign_url") > 1, "a new address was asked for"


def test_an_object_that_changes_in_mid_read_is_an_error(genomes, objects, folder, tmp_path):
    name = objects["bam"]
    content = local(folder, name).read_bytes()
    replaced = base64.b64encode(content[:-100] + bytes(100)).decode()
    with slow_reading(genomes, name, tmp_path) as reading:
        genomes.control("POST", "objects", {"name": name, "base64": replaced})
        genomes.control("DELETE", "faults")
        _, told = reading.communicate(timeout=120)
        assert reading.returncode != 0 and b"changed" in told, told
    genomes.control("POST", "objects", {"name": name, "base64": base64.b64encode(content).decode()})
