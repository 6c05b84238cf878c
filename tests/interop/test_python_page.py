"""The code of docs/python.md, run as it stands there."""
import pathlib
import re
import subprocess
import sys

from conftest import BUILD, TOP
from test_htslib import call

BLOCKS = re.findall(r"```python\n(.*?)```", (TOP / "docs/python.md").read_text(), re.DOTALL)


def run(sandbox, code, python=sys.executable, **names):
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    environment = {**sandbox.environment, "HTS_PATH": str(BUILD), "LD_LIBRARY_PATH": str(BUILD)}
    done = subprocess.run([python, "-c", given + code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_pysam_counts_the_reads_of_a_region(start, tmp_path):
    sandbox = start("--samples", "8")
    files = call(sandbox, "GET", f"/samples/{sandbox.ready['biosample_id']}", require_files="True")["files"]
    (bam,) = [file["object_name"] for file in files if file["object_name"].endswith(".bam")]
    wanted = subprocess.run(
        ["samtools", "view", "-c", f"bge:{bam}", "chr15:74740001-74755000"],
        env={**sandbox.environment, "HTS_PATH": str(BUILD)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(wanted) > 0
    assert run(sandbox, BLOCKS[0], "/usr/bin/python3", BAM=bam) == wanted.split()


def test_pyarrow_reads_a_table(sandbox, api):
    (sample,) = sandbox.metagenomes(1)
    rows = api.rows("get_taxon_abundance", biosample_id=sample)
    told = run(sandbox, BLOCKS[1], METAGENOME=sample)
    assert int(told[0]) == len(rows) == 120
    assert pathlib.Path(BUILD / "libbge.so.0").exists()
