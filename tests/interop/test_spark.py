"""examples/spark with a local-cluster master: executors in processes of their own, one of which is killed."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pyarrow.dataset
import pyarrow.parquet
from conftest import BUILD, TOP
from test_bge_extract import Extract

EXAMPLE = TOP / "examples/spark"
SPARK = pathlib.Path(sys.executable).parent


def submit(sandbox, folder, *arguments):
    environment = dict(sandbox.environment, PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    environment["BGE_LIBRARY"] = str(BUILD / "libbge.so")
    names = ("BGE_ENDPOINT", "BGE_ACCESS_TOKEN", "BGE_LIBRARY")
    settings = [f"--conf=spark.executorEnv.{name}={environment[name]}" for name in names]
    settings += ["--conf=spark.ui.enabled=false", "--conf=spark.driver.host=127.0.0.1"]
    command = [
        SPARK / "spark-submit", "--master", "local-cluster[2,1,600]", "--driver-memory", "600m",
        "--conf=spark.executor.memory=600m", *settings, "--py-files", EXAMPLE / "bge_tables.py", EXAMPLE / "cohort.py",
        *arguments,
    ]
    with open(folder / "spark.log", "a") as log:
        return subprocess.Popen(list(map(str, command)), cwd=folder, env=environment, stdout=log, stderr=log)


def executors():
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"CoarseGrainedExecutorBackend" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


def test_spark_reads_the_table_that_the_tool_writes_though_an_executor_dies(start, tmp_path):
    assert shutil.which("java"), "Spark needs Java"
    sandbox = start("--samples", "320", "--taxa", "30", "--latency", "30", "--rps", "60")
    extract = Extract(sandbox, tmp_path)
    ids = sandbox.metagenomes(150)
    extract.samples(["# a cohort", *ids, ids[0].lower()])
    extract.good("get_taxon_abundance", "--samples", "ids.txt", "--rate-limit", "55", "--text", "-o", "alone.parquet")
    common = ("--samples", "ids.txt", "--partitions", "12", "--rate-limit", "50", "--rate-budget", tmp_path / "budget")
    sandbox.control("DELETE", "log")
    running = submit(sandbox, tmp_path, *common, "--output", tmp_path / "taxa")
    deadline = time.monotonic() + 300
    while sandbox.asked() < 60 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    victims = [pid for pid in executors() if running.pid in ancestors(pid)]
    assert len(victims) == 2, (victims, (tmp_path / "spark.log").read_text()[-3000:])
    os.kill(victims[0], signal.SIGKILL)
    assert running.wait(300) == 0, (tmp_path / "spark.log").read_text()[-3000:]

    alone = pyarrow.parquet.read_table(tmp_path / "alone.parquet")
    taxa = pyarrow.dataset.dataset(tmp_path / "taxa").to_table()
    assert taxa.num_rows == 150 * 30 and taxa.column_names == alone.column_names
    order = [("biosample_id", "ascending"), ("taxonomy_taxon_id", "ascending")]
    assert taxa.sort_by(order).to_pylist() == alone.sort_by(order).to_pylist()
    log = [request for request in sandbox.control("GET", "log")["requests"]]
    assert not any(request["status"] == 429 for request in log)
    assert {request["headers"]["user-agent"] for request in log} == {"bge-spark"}

    # a sample that cannot be had
    other = sandbox.ready["other_biosample_id"]
    extract.samples([*ids[:3], other])
    assert submit(sandbox, tmp_path, *common, "--output", tmp_path / "few").wait(300) != 0
    assert other in (tmp_path / "spark.log").read_text()
    assert submit(sandbox, tmp_path, *common, "--output", tmp_path / "few", "--allow-missing").wait(300) == 0
    assert re.search(r"^1 samples were left out$", (tmp_path / "spark.log").read_text(), re.M)
    assert pyarrow.dataset.dataset(tmp_path / "few").count_rows() == 3 * 30


def ancestors(pid):
    found = set()
    while pid > 1:
        try:
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            break
        found.add(pid)
    return found
