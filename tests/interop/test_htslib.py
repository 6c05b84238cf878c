"""samtools, bcftools and pysam on `bge:` addresses: what they say of an object is what they say of a local copy."""
import random
import subprocess
import sys

import pytest

from conftest import REGION, local


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


def test_a_cram_file_is_read_with_its_reference(run, tmp_path):
    chance = random.Random(15)
    bases = "".join(chance.choices("ACGT", k=60_000))
    (tmp_path / "reference.fa").write_text(">c1\n" + "\n".join(bases[i : i + 60] for i in range(0, 60_000, 60)) + "\n")
    starts = sorted(chance.randrange(59_900) for _ in range(5_000))
    lines = [f"r{n}\t0\tc1\t{at + 1}\t60\t100M\t*\t0\t0\t{bases[at : at + 100]}\t{'I' * 100}" for n, at in enumerate(starts)]
    (tmp_path / "reads.sam").write_text("@SQ\tSN:c1\tLN:60000\n" + "\n".join(lines) + "\n")
    with_reference = ["--no-PG", "-T", "reference.fa"]
    run("samtools", "view", *with_reference, "-C", "-o", "copy.cram", "reads.sam")
    written = run("samtools", "view", *with_reference, "-C", "-o", "bge:reads.cram", "reads.sam")
    address = written.stderr.decode().split()[-1]
    for file in ("copy.cram", address):
        run("samtools", "index", "-o", "own.crai", file)
        (tmp_path / "own.crai").rename(tmp_path / f"{len(file)}.crai")
    indexes = [tmp_path / f"{len(file)}.crai" for file in ("copy.cram", address)]
    assert indexes[0].read_bytes() == indexes[1].read_bytes()
    for words in (["-H"], [], ["-@8"]):
        wanted = run("samtools", "view", *with_reference, *words, "copy.cram").stdout
        assert wanted and run("samtools", "view", *with_reference, *words, address).stdout == wanted
    wanted = run("samtools", "view", *with_reference, "-X", "copy.cram", indexes[0], "c1:20000-21000").stdout
    assert wanted.count(b"\n") > 50
    assert run("samtools", "view", *with_reference, "-X", address, indexes[0], "c1:20000-21000").stdout == wanted
    # Without its reference it cannot be read, wherever it is.
    (tmp_path / "reference.fa").unlink()
    nowhere = {"REF_PATH": str(tmp_path / "none"), "REF_CACHE": str(tmp_path / "none/%s")}
    run("samtools", "view", address, environment=nowhere, fails=True)


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
