"""The code of docs/python.md and docs/htslib.md, run as it stands there."""
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

from conftest import BUILD, TOP, call

BLOCKS = re.findall(r"```python\n(.*?)```", (TOP / "docs/python.md").read_text(), re.DOTALL)


def run(sandbox, code, python=sys.executable, **names):
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    environment = {**sandbox.environment, "HTS_PATH": str(BUILD), "LD_LIBRARY_PATH": str(BUILD)}
    with tempfile.TemporaryDirectory() as folder:  # htslib leaves copies of indexes where it runs
        done = subprocess.run(
            [python, "-c", given + code], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def genome(start):
    """A sandbox, the name of a BAM file, and how many reads a region of it has."""
    sandbox = start("--samples", "8")
    files = call(sandbox, "GET", f"/samples/{sandbox.ready['biosample_id']}", require_files="True")["files"]
    (bam,) = [file["object_name"] for file in files if file["object_name"].endswith(".bam")]
    return sandbox, bam


@pytest.fixture
def wanted(genome, tmp_path):
    sandbox, bam = genome
    told = subprocess.run(
        ["samtools", "view", "-c", f"bge:{bam}", "chr15:74740001-74755000"],
        env={**sandbox.environment, "HTS_PATH": str(BUILD)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(told) > 0
    return told.split()


def test_pysam_counts_the_reads_of_a_region(genome, wanted):
    sandbox, bam = genome
    assert run(sandbox, BLOCKS[0], "/usr/bin/python3", BAM=bam) == wanted


def test_the_pysam_of_pypi_does_so_when_the_plugin_is_registered(genome, wanted, tmp_path):
    sandbox, bam = genome
    library = subprocess.run([sys.executable, "-c", "import pysam; print(pysam.__file__)"], capture_output=True, text=True)
    assert "site-packages" in library.stdout, library
    assert run(sandbox, BLOCKS[1], BAM=bam, PLUGINDIR=str(BUILD)) == wanted
    wrong = BLOCKS[1].replace("pysam.libchtslib.__file__", "'/no/such/library.so'").replace("assert ", "print(")
    assert run(sandbox, wrong.split("== 0")[0] + "> 0)", PLUGINDIR=str(BUILD)) == ["True"]


def test_rsamtools_counts_them_too(genome, wanted, tmp_path):
    sandbox, bam = genome
    (code,) = re.findall(r"```r\n(.*?)```", (TOP / "docs/htslib.md").read_text(), re.DOTALL)
    code = f"suppressMessages(library(Rsamtools))\nBAM <- '{bam}'\nPLUGINDIR <- '{BUILD}'\n{code}"
    environment = {**sandbox.environment, "LD_LIBRARY_PATH": str(BUILD)}
    done = subprocess.run(["Rscript", "-e", code], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.split() == wanted, done


def test_pyarrow_reads_a_table(sandbox, api):
    (sample,) = sandbox.metagenomes(1)
    rows = api.rows("get_taxon_abundance", biosample_id=sample)
    told = run(sandbox, BLOCKS[2], METAGENOME=sample)
    assert int(told[0]) == len(rows) == 120
    assert pathlib.Path(BUILD / "libbge.so.0").exists()
