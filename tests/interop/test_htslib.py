"""samtools, bcftools and pysam on `bge:` addresses: what they say of an object is what they say of a local copy."""
import base64
import json
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pytest

from conftest import BUILD

REGION = "chr15:74740000-74755000"


@pytest.fixture(scope="module")
def genomes(request):
    from conftest import Sandbox

    sandbox = Sandbox("--samples", "8")
    sandbox.environment["HTS_PATH"] = str(BUILD)
    yield sandbox
    sandbox.close()


def call(sandbox, method, path, **parameters):
    encoded = urllib.parse.urlencode(parameters)
    url = sandbox.ready["endpoint"] + path + (f"?{encoded}" if method == "GET" else "")
    asked = urllib.request.Request(url, None if method == "GET" else encoded.encode(), method=method)
    asked.add_header("Authorization", f"Bearer {sandbox.ready['access_token']}")
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)["data"]


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
            (folder / pathlib.PurePath(name).name).write_bytes(answer.read())
    return folder


@pytest.fixture
def run(genomes, tmp_path):
    def run(*words, environment=None, fails=False):
        done = subprocess.run(
            [str(word) for word in words],
            cwd=tmp_path,
            env={**genomes.environment, **(environment or {})},
            capture_output=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stderr.decode()
        return done

    return run


def local(folder, name):
    return folder / pathlib.PurePath(name).name


@pytest.mark.parametrize("words", [["-H"], [], ["-@8"], ["-c"], ["-f", "4"]])
def test_a_bam_file_is_read_as_its_copy(run, objects, folder, words):
    name = objects["bam"]
    wanted = run("samtools", "view", "--no-PG", *words, local(folder, name)).stdout
    assert wanted and run("samtools", "view", "--no-PG", *words, f"bge:{name}").stdout == wanted


def test_a_region_is_read_with_the_index_beside_the_object(run, genomes, objects, folder):
    name = objects["bam"]
    wanted = run("samtools", "view", local(folder, name), REGION).stdout
    genomes.control("DELETE", "log")
    assert wanted and run("samtools", "view", f"bge:{name}", REGION).stdout == wanted
    # With the index at hand: the header and the region's blocks.
    genomes.control("DELETE", "log")
    assert run("samtools", "view", "-X", f"bge:{name}", local(folder, objects["bai"]), REGION).stdout == wanted
    reads = [r for r in genomes.control("GET", "log")["requests"] if r["path"].endswith(".bam")]
    assert 1 <= len(reads) <= 6, reads


def test_an_object_is_indexed_and_checked(run, objects, folder, tmp_path):
    name = objects["bam"]
    run("samtools", "quickcheck", f"bge:{name}")
    run("samtools", "index", "-o", "own.bai", f"bge:{name}")
    run("samtools", "index", "-o", "copy.bai", local(folder, name))
    assert (tmp_path / "own.bai").read_bytes() == (tmp_path / "copy.bai").read_bytes()


def test_a_vcf_file_is_read_by_region(run, objects, folder):
    name = objects["gz"]
    wanted = run("bcftools", "view", "-H", "-r", REGION, local(folder, name)).stdout
    assert wanted and run("bcftools", "view", "-H", "-r", REGION, f"bge:{name}").stdout == wanted


def test_what_is_written_is_there_under_the_name_that_is_printed(run, objects, folder):
    name = objects["bam"]
    written = run("samtools", "view", "--no-PG", "-b", "-o", "bge:样本 out.bam", local(folder, name))
    (address,) = [line.split(" ", 1)[1] for line in written.stderr.decode().splitlines() if "bge:" in line]
    assert address.endswith("/样本 out.bam")
    wanted = run("samtools", "view", local(folder, name)).stdout
    assert run("samtools", "view", address).stdout == wanted
    cram = run("samtools", "view", "-C", "--output-fmt-option", "no_ref=1", "-o", "bge:out.cram", local(folder, name))
    (address,) = [line.split(" ", 1)[1] for line in cram.stderr.decode().splitlines() if "bge:" in line]
    assert run("samtools", "view", "-c", address).stdout == run("samtools", "view", "-c", local(folder, name)).stdout


def test_refusals_are_told_in_words(run, objects):
    absent = run("samtools", "view", "bge:no/such/object.bam", fails=True).stderr.decode()
    assert "No such file" in absent, absent
    denied = run(
        "samtools", "view", f"bge:{objects['bam']}", environment={"BGE_ACCESS_TOKEN": "wrong"}, fails=True
    ).stderr.decode()
    assert "[E::hfile_bge]" in denied and "Permission denied" in denied, denied
    nobody = run("samtools", "view", "bge://nobody/x.bam", fails=True).stderr.decode()
    assert "nobody" in nobody and "profile" in nobody, nobody
    for wrong in ["bge:", "bge://profile", "bge:///x"]:
        assert "Invalid argument" in run("samtools", "view", wrong, fails=True).stderr.decode()


def test_an_object_that_changes_in_mid_read_is_an_error(genomes, objects, folder, tmp_path):
    name = objects["bam"]
    content = local(folder, name).read_bytes()
    replaced = base64.b64encode(content[:-100] + bytes(100)).decode()
    slowly = {"side": "store", "method": "GET", "count": 0, "kind": "drip", "bytes": 65_536, "interval_ms": 100}
    genomes.control("POST", "faults", slowly)
    reading = subprocess.Popen(
        ["samtools", "view", "-c", f"bge:{name}"],
        cwd=tmp_path,
        env=genomes.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        time.sleep(1)
        genomes.control("POST", "objects", {"name": name, "base64": replaced})
        genomes.control("DELETE", "faults")
        _, told = reading.communicate(timeout=120)
        assert reading.returncode != 0 and b"changed" in told, told
    finally:
        reading.kill()
        genomes.control("DELETE", "faults")
        genomes.control("POST", "objects", {"name": name, "base64": base64.b64encode(content).decode()})


def test_pysam_reads_by_the_plugin(run, objects, folder):
    program = """
import pysam, sys
with pysam.AlignmentFile(sys.argv[1]) as reads:
    print(sum(1 for _ in reads.fetch(until_eof=True)))
"""
    python = "/usr/bin/python3"  # Debian's pysam is built with plugins
    if subprocess.run([python, "-c", "import pysam"], capture_output=True).returncode:
        python = sys.executable
    count = run("samtools", "view", "-c", local(folder, objects["bam"])).stdout
    assert run(python, "-c", program, f"bge:{objects['bam']}").stdout == count
