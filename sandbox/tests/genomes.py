"""Debian's samtools and bcftools on the BAM and VCF files that bge-sandbox makes.

BGE_SANDBOX_BIN names the program to test. Run: pytest genomes.py
"""

import json
import os
import pathlib
import subprocess
import urllib.parse
import urllib.request

import pytest

READS, MAPPED = 48_100, 48_000
REGION = "chr15:74740000-74755000"


class Sandbox:
    def __init__(self, seed):
        self.process = subprocess.Popen(
            [os.environ["BGE_SANDBOX_BIN"], "--stdin-lifetime", "--samples", "8", "--seed", str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.ready = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(timeout=60) == 0

    def call(self, method, path, **parameters):
        encoded = urllib.parse.urlencode(parameters)
        url = self.ready["endpoint"] + path + (f"?{encoded}" if method == "GET" else "")
        request = urllib.request.Request(url, data=None if method == "GET" else encoded.encode(), method=method)
        request.add_header("Authorization", "Bearer " + self.ready["access_token"])
        with urllib.request.urlopen(request, timeout=60) as answer:
            envelope = json.load(answer)
        assert envelope["code"] == 0, envelope
        return envelope["data"]

    def files(self, biosample_id):
        """Name and content of a sample's files, by their format."""
        described = self.call("GET", f"/samples/{biosample_id}", require_files="True")["files"]
        return {file["file_format"]: self.download(file) for file in described}

    def download(self, file):
        url = self.call("POST", "/oss/sign_url", object_name=file["object_name"])["url"]
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
        assert len(content) == file["file_size"]
        return file["object_name"].rsplit("/", 1)[1], content


@pytest.fixture(scope="module")
def sandbox():
    running = Sandbox(5)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def genome(sandbox):
    return sandbox.ready["biosample_id"]


@pytest.fixture(scope="module")
def folder(sandbox, genome, tmp_path_factory):
    """The genome's files, under the names that they have."""
    folder = tmp_path_factory.mktemp("genome")
    for name, content in sandbox.files(genome).values():
        (folder / name).write_bytes(content)
    return folder


def tool(*arguments):
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, check=True)
    # What is not in order is said there, and the status is 0 all the same.
    assert done.stderr == "", done.stderr
    return done.stdout


def test_what_there_is_for_each_kind_of_sample(sandbox, genome):
    formats = ["vcf", "bam", "bai", "vcf.gz", "tbi"]
    listed = sandbox.call("GET", "/samples", require_files="True")["result"]
    kinds = {sample["omic"]["code"]: [file["file_format"] for file in sample["files"]] for sample in listed}
    assert kinds == {1: formats, 2: ["tsv"]}
    assert sandbox.call("GET", f"/samples/{genome}", require_files="True")["files"] == listed[0]["files"]
    names = [file["object_name"] for sample in listed for file in sample["files"]]
    assert len(set(names)) == len(names)


def test_the_alignments_are_whole_and_in_order(folder, genome):
    bam = folder / f"{genome}.bam"
    assert bam.stat().st_size > 2_000_000
    tool("samtools", "quickcheck", "-v", bam)
    assert tool("samtools", "view", "-c", bam) == f"{READS}\n"
    assert tool("samtools", "view", "-c", "-F", "4", bam) == f"{MAPPED}\n"
    header = tool("samtools", "view", "-H", "--no-PG", bam)
    assert "SO:coordinate" in header and f"SM:{genome}" in header and header.count("@SQ") == 25
    # It refuses what is not sorted; NM counts what is not the reference's.
    tool("samtools", "index", "-o", folder / "again.bai", bam)
    paired = tool("samtools", "view", "-c", "-f", "2", bam)
    assert paired == f"{MAPPED}\n"


def test_the_index_of_the_alignments_finds_all_of_a_region(folder, genome):
    bam = folder / f"{genome}.bam"
    by_index = tool("samtools", "view", "--no-PG", bam, REGION)
    every = tool("samtools", "view", "--no-PG", bam).splitlines()
    # 74755000 is beyond what the reads of the site reach: all that start there belong to it.
    expected = [line for line in every if line.split("\t")[2] == "chr15" and 74_740_000 <= int(line.split("\t")[3]) < 74_755_000]
    assert by_index.splitlines() == expected and len(expected) == 1_000
    own = tool("samtools", "idxstats", bam)
    (folder / f"{genome}.bam.bai").rename(folder / "kept.bai")
    tool("samtools", "index", bam)
    assert tool("samtools", "idxstats", bam) == own
    assert tool("samtools", "view", "--no-PG", bam, REGION) == by_index
    (folder / "kept.bai").rename(folder / f"{genome}.bam.bai")
    assert own.splitlines()[-1] == "*\t0\t0\t100"


def test_the_variants_are_those_that_the_platform_tells(sandbox, folder, genome):
    vcf = folder / f"{genome}.vcf.gz"
    assert tool("bcftools", "query", "-l", vcf) == f"{genome}\n"
    lines = tool("bcftools", "query", "-f", "%CHROM\t%POS\t%ID\t%REF\t%ALT[\t%GT\t%DP]\n", vcf).splitlines()
    assert len(lines) > 800
    called = {line.split("\t")[2]: line.split("\t") for line in lines if "\trs" in line}
    assert len(called) == 48
    told = sandbox.call("GET", "/variants", biosample_id=genome, rsids=",".join(called))
    for variant in told:
        chromosome, position, _, reference, alternate, genotype, depth = called[variant["alternate_id"][0]]
        site = variant["variant"]
        if site is None:
            assert genotype == "./."
            continue
        assert (chromosome, int(position), reference) == (site["chromosome"], site["position"], site["reference_base"])
        assert (genotype, int(depth)) == (site["call"]["GT"], site["call"]["DP"])
        assert site["alternate_base"] in ([], [alternate])
    # Sorted, and each place once.
    places = [tuple(line.split("\t")[:2]) for line in lines]
    assert len(set(places)) == len(places)
    assert tool("bcftools", "stats", vcf).count(f"number of records:\t{len(lines)}\n") == 1


def test_the_index_of_the_variants_finds_all_of_a_region(folder, genome):
    vcf = folder / f"{genome}.vcf.gz"
    by_index = tool("bcftools", "view", "-H", "-r", "chr3:46370000-46380000", vcf).splitlines()
    every = tool("bcftools", "view", "-H", vcf).splitlines()
    inside = lambda line: line.startswith("chr3\t") and 46_370_000 <= int(line.split("\t")[1]) <= 46_380_000
    assert by_index == [line for line in every if inside(line)]
    # rs333 is a deletion of 32 bases: whoever asks for its middle finds it.
    assert "rs333" in tool("bcftools", "view", "-H", "-r", "chr3:46373460-46373470", vcf)
    own = tool("bcftools", "index", "--stats", vcf)
    (folder / f"{genome}.vcf.gz.tbi").rename(folder / "kept.tbi")
    tool("bcftools", "index", "--tbi", vcf)
    assert tool("bcftools", "index", "--stats", vcf) == own
    (folder / "kept.tbi").rename(folder / f"{genome}.vcf.gz.tbi")


def test_a_range_of_a_file_is_that_part_of_it(sandbox, genome, folder):
    described = sandbox.call("GET", f"/samples/{genome}", require_files="True")["files"]
    bam = next(file for file in described if file["file_format"] == "bam")
    content = (folder / f"{genome}.bam").read_bytes()
    url = sandbox.call("POST", "/oss/sign_url", object_name=bam["object_name"])["url"]
    # Across the end of the header, which is a piece of its own.
    for first, last in [(0, 99), (100, 9_999), (len(content) - 28, len(content) - 1)]:
        request = urllib.request.Request(url, headers={"Range": f"bytes={first}-{last}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert (answer.status, answer.read()) == (206, content[first:last + 1])


def test_the_files_follow_from_the_seed_and_the_sample(sandbox, genome):
    again, other_seed = Sandbox(5), Sandbox(6)
    try:
        files = sandbox.files(genome)
        assert again.files(genome) == files
        genomes = [sample["biosample_id"] for sample in sandbox.call("GET", "/samples", omics="1")["result"]]
        neighbour = sandbox.files(genomes[1])
        assert neighbour["vcf.gz"][1] != files["vcf.gz"][1]
        assert (neighbour["bam"][1] == files["bam"][1], neighbour["bai"][1] == files["bai"][1]) == (False, True)
        foreign = other_seed.files(other_seed.ready["biosample_id"])
        assert foreign["bai"][1] != files["bai"][1]
    finally:
        again.stop()
        other_seed.stop()


def test_one_program_reads_it_from_the_store(sandbox, genome, tmp_path):
    """samtools over HTTP, without a local copy: whole, and a region by the index of the store."""
    described = sandbox.call("GET", f"/samples/{genome}", require_files="True")["files"]
    urls = {file["file_format"]: sandbox.call("POST", "/oss/sign_url", object_name=file["object_name"])["url"]
            for file in described}
    environment = dict(os.environ, no_proxy="127.0.0.1")
    run = lambda *arguments: subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=tmp_path,
                                            env=environment, timeout=120).stdout
    assert run("samtools", "view", "-c", urls["bam"]) == f"{READS}\n"
    index = pathlib.Path(tmp_path / "remote.bai")
    index.write_bytes(urllib.request.urlopen(urls["bai"], timeout=60).read())
    assert run("samtools", "view", "-c", "-X", urls["bam"], str(index), REGION) == "1000\n"
