"""The workflow of examples/snakemake, run by Snakemake: parts side by side, one of them killed on its first try."""
import json
import os
import pathlib
import stat
import subprocess
import sys

import pyarrow.parquet
from conftest import BUILD, TOP

# Stands before the real program in PATH: kills part 1 once, in the middle.
WRAPPER = """#!/bin/sh
case " $* " in
*" --shard 1/3 "*)
  if [ ! -e killed ]; then
    touch killed
    {program} "$@" & running=$!
    sleep 0.6
    kill -9 $running
    wait $running
    exit $?
  fi;;
esac
exec {program} "$@"
"""


def test_parts_killed_and_retried_make_the_table_of_a_single_run(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "150", "--latency", "10")
    ids = sandbox.metagenomes(36)
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    tools = tmp_path / "tools"
    tools.mkdir()
    wrapper = tools / "bge"
    wrapper.write_text(WRAPPER.format(program=BUILD / "bge"))
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    here = pathlib.Path(sys.executable).parent
    environment = dict(
        sandbox.environment,
        PATH=os.pathsep.join([str(tools), str(here), sandbox.environment["PATH"]]),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        HOME=str(tmp_path),
    )
    def snakemake(*config):
        done = subprocess.run(
            [
                sys.executable, "-m", "snakemake", "-s", TOP / "examples/snakemake/Snakefile", "--cores", "3",
                "--directory", tmp_path, "--config", "samples=ids.txt", "concurrency=2", *config,
            ],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    done = snakemake("parts=3", "arguments={limit: 20}", "output=all taxa", "single_file=merged.parquet")
    assert (tmp_path / "killed").exists() and "Trying to restart job" in done.stderr, done.stderr
    assert len(list((tmp_path / "all taxa").glob("*.parquet"))) == 3

    single = [BUILD / "bge", "extract", "get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "-o", "single.parquet"]
    subprocess.run(single, env=environment, cwd=tmp_path, check=True)
    alone = pyarrow.parquet.read_table(tmp_path / "single.parquet")
    merged = pyarrow.parquet.read_table(tmp_path / "merged.parquet")
    assert merged.num_rows == 36 * 150 and merged.equals(alone)
    order = [("biosample_id", "ascending"), ("taxonomy_taxon_id", "ascending")]
    folder = pyarrow.parquet.read_table(tmp_path / "all taxa")
    assert folder.sort_by(order).equals(alone.sort_by(order))

    # lists and quotes reach the platform as they are; a sample that cannot be had does not block the others
    taxa = alone["taxonomy_taxon_id"].to_pylist()[:2]
    (tmp_path / "ids.txt").write_text("\n".join([*ids[:5], sandbox.ready["other_biosample_id"]]))
    sandbox.control("DELETE", "log")
    arguments = json.dumps({"taxon_ids": taxa, "note": "it's"})
    snakemake("parts=2", f"arguments={arguments}", "output=few", "allow_missing=true")
    query = sandbox.control("GET", "log")["requests"][0]["query"]
    assert query["taxon_id"] == ",".join(taxa) and query["note"] == "it's"
    assert pyarrow.parquet.read_table(tmp_path / "few").num_rows == 10
