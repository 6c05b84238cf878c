"""The workflow of examples/nextflow, run by Nextflow: parts side by side, one of them killed on its first try."""
import json
import os
import subprocess

import pyarrow.dataset
import pyarrow.parquet
from conftest import BUILD, TOP
from test_bge_extract import Extract
from test_snakemake import WRAPPER

JARS = TOP / "build/nextflow"
# What its launcher opens to it.
OPEN = [
    "java.base/java.lang", "java.base/java.io", "java.base/java.nio", "java.base/java.net", "java.base/java.util",
    "java.base/java.util.concurrent.locks", "java.base/java.util.concurrent.atomic", "java.base/sun.nio.ch",
    "java.base/sun.nio.fs", "java.base/java.util.regex", "java.base/java.nio.file.spi",
    "java.base/sun.net.www.protocol.http", "java.base/sun.net.www.protocol.https",
]


def test_parts_killed_and_retried_make_the_table_of_a_single_run(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "150", "--latency", "10")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(36))
    extract.good("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "-o", "single.parquet")
    tools = tmp_path / "tools"
    tools.mkdir()
    # killed once in the middle, wherever its task is
    wrapper = WRAPPER.replace("killed ]", f"{tmp_path}/killed ]").replace("touch killed", f"touch {tmp_path}/killed")
    (tools / "bge").write_text(wrapper.format(program=BUILD / "bge"))
    (tools / "bge").chmod(0o755)
    (tmp_path / "params.json").write_text(json.dumps({
        "samples": str(tmp_path / "ids.txt"), "bge_arguments": {"limit": 20, "note": "it's", "list": ["a", "b"]},
        "bge_parts": 3, "bge_concurrency": 2, "bge_rate_limit": 500, "bge_rate_budget": str(tmp_path / "the budget"),
        "bge_output": str(tmp_path / "results"),
    }))
    environment = dict(
        sandbox.environment, PATH=os.pathsep.join([str(tools), sandbox.environment["PATH"]]), NXF_OFFLINE="true",
        NXF_PLUGINS_DEFAULT="false", NXF_HOME=str(tmp_path / "home"), NXF_ANSI_LOG="false",
    )
    sandbox.control("DELETE", "log")
    done = subprocess.run(
        [
            "java", *(f"--add-opens={name}=ALL-UNNAMED" for name in OPEN), "-cp", f"{JARS}/*", "nextflow.cli.Launcher",
            "run", TOP / "examples/nextflow/main.nf", "-params-file", "params.json",
        ],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "killed").exists() and "Execution is retried" in done.stdout, done.stdout
    query = sandbox.control("GET", "log")["requests"][0]["query"]
    assert query["note"] == "it's" and query["list"] == ["a", "b"], query
    assert json.loads((tmp_path / "results/taxa/_dataset.json").read_text())["rows"] == 36 * 150
    alone = pyarrow.parquet.read_table(tmp_path / "single.parquet")
    taxa = pyarrow.dataset.dataset(tmp_path / "results/taxa").to_table()
    order = [("biosample_id", "ascending"), ("taxonomy_taxon_id", "ascending")]
    assert taxa.sort_by(order).equals(alone.sort_by(order))
