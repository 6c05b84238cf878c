"""What a look at one region of a large file costs, and reading all of it: bytes and requests."""
import os
import pathlib
import subprocess
import urllib.parse

import pytest

from conftest import LONG, Api

TOP = pathlib.Path(__file__).resolve().parent.parent
REGION_LENGTH = 100_000


@pytest.fixture(scope="module")
def large(genomes, tmp_path_factory):
    """A BAM file of 200 MB in the long run, of some 12 MB otherwise; its object; where its middle is."""
    folder = tmp_path_factory.mktemp("large")
    reads = 1_800_000 if LONG else 115_000
    subprocess.run([TOP / "bench/make_bam.py", str(reads), folder / "large.bam"], check=True)
    subprocess.run(["samtools", "index", folder / "large.bam"], check=True)
    api = Api(genomes)
    told = api.text("bge_api_upload_file", api.handle, os.fsencode(folder / "large.bam"), b"{}")
    name = api.text("bge_json_get", told.encode(), b"/object_name")
    api.close()
    return folder / "large.bam", name, reads * 130 // 2


def asked(genomes, name):
    """How many requests of an object's bytes there were since the log was emptied, and of how many bytes."""
    log = genomes.control("GET", "log")["requests"]
    requests = [r for r in log if r["method"] == "GET" and urllib.parse.unquote(r["path"]).endswith(name)]
    spans = [tuple(map(int, r["headers"]["range"].removeprefix("bytes=").split("-"))) for r in requests]
    return len(spans), sum(last + 1 - first for first, last in spans)


def test_a_region_costs_little(run, genomes, large):
    path, name, middle = large
    region = f"chr1:{middle}-{middle + REGION_LENGTH}"
    wanted = run("samtools", "view", path, region).stdout
    assert wanted.count(b"\n") >= 760
    genomes.control("DELETE", "log")
    assert run("samtools", "view", "-X", f"bge:{name}", f"{path}.bai", region).stdout == wanted
    requests, fetched = asked(genomes, name)
    assert 1 <= requests <= 6 and fetched <= 500_000, f"{requests} requests of {fetched} bytes"


def test_a_whole_read_costs_the_file(run, genomes, large):
    path, name, _ = large
    wanted = run("samtools", "view", "-c", path).stdout
    genomes.control("DELETE", "log")
    assert run("samtools", "view", "-@8", "-c", f"bge:{name}").stdout == wanted
    _, fetched = asked(genomes, name)
    size = path.stat().st_size
    # One block is fetched twice: htslib leaves the first one for a look at the end.
    most = size + max(size // 100, 256 * 1024)
    assert size <= fetched <= most, f"{fetched} bytes of {size}"
