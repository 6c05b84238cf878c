"""examples/slurm and examples/snakemake on a real Slurm, whose jobs are killed, requeued and told that their time is up."""
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import pyarrow.dataset
import pyarrow.parquet
import pytest
from conftest import BUILD, TOP
from slurm import Slurm
from test_bge_extract import Extract

# Ten minutes of both cores of a small machine, and a while more; fewer are asked for with BGE_SLURM_SAMPLES.
SAMPLES, CHUNKS = int(os.environ.get("BGE_SLURM_SAMPLES", 100_000)), 16
HOURS = 3 * 3600
CALL = ("get_taxon_abundance", "--samples", "ids.txt")


@pytest.fixture
def cluster(tmp_path_factory):
    # a socket's name may not be long
    slurm = Slurm(pathlib.Path(tmp_path_factory.mktemp("slurm")) / "s")
    yield slurm
    slurm.close()


class Memory:
    """The most memory that any of bge's processes in a folder ever had, in KiB."""

    def __init__(self, folder):
        self.folder, self.most, self.seen = str(folder), 0, set()

    def look(self):
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "cwd") != self.folder or (process / "comm").read_text() != "bge\n":
                    continue
                status = (process / "status").read_text()
            except OSError:
                continue
            if "VmHWM:" in status:
                self.most = max(self.most, int(status.split("VmHWM:")[1].split()[0]))
                self.seen.add(process.name)


def test_workers_killed_at_random_make_the_folder_of_an_undisturbed_run(cluster, start, tmp_path):
    sandbox = start("--samples", str(2 * SAMPLES + 10), "--taxa", "3")
    sandbox.control("POST", "options", {"log": "off"})
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(SAMPLES))
    queue = ("--queue", "whole.queue", "--chunk", str(SAMPLES // CHUNKS))
    begun = time.monotonic()
    # beside the others, since these do not know of them
    undisturbed = [extract.start(*CALL, *queue, "--quiet", "-o", "whole/") for _ in range(4)]
    names = ("BGE_ENDPOINT", "BGE_ACCESS_TOKEN", "PATH")
    environment = dict({name: sandbox.environment[name] for name in names}, BGE_CHUNK=str(SAMPLES // CHUNKS),
                       BGE_RATE_LIMIT="1000", BGE_RATE_BUDGET=str(tmp_path / "budget"))

    def submit(array):
        script = TOP / "examples/slurm/cohort.sbatch"
        cluster("sbatch", "--parsable", "--mem=100M", f"--array={array}", "--chdir", tmp_path, "-o", "job-%A.txt",
                script, "ids.txt", "set", **environment)

    submit("1-4")
    done = lambda: len(list((tmp_path / "set.queue/done").glob("*.ids")))
    rng, counts, memory = random.Random(3), dict.fromkeys(("kill", "requeue", "time is up", "node"), 0), Memory(tmp_path)
    # some forty times in all
    pause, next_turn = max(1.5, SAMPLES / 5000), begun + 1
    while cluster.jobs():
        assert time.monotonic() < begun + HOURS, (done(), cluster.jobs(), cluster.logs())
        time.sleep(0.5)
        memory.look()
        if time.monotonic() < next_turn:
            continue
        next_turn = time.monotonic() + rng.uniform(0.3 * pause, 1.7 * pause)
        jobs = cluster.jobs()
        for job, state in jobs:
            # Slurm lets two minutes pass before it runs a job again; here nobody has so much time.
            if state == "PENDING":
                cluster("scontrol", "update", f"jobid={job}", "starttime=now", check=False)
        running = [job for job, state in jobs if state == "RUNNING"]
        if not running or done() >= CHUNKS - 2:
            continue
        job, what = rng.choice(running), rng.choice(["kill", "kill", "requeue", "time is up", "node"])
        if what == "node" and counts[what]:
            what = "kill"
        counts[what] += 1
        if what == "kill":
            cluster("scancel", "--signal=KILL", job, check=False)
            submit("1")
        elif what == "requeue":
            cluster("scontrol", "requeue", job, check=False)
        elif what == "time is up":
            cluster("scancel", "--batch", "--signal=USR1", job, check=False)
        else:
            node = cluster("sinfo", "-h", "-N", "-o", "%N").split()[0]
            cluster("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
            cluster.resume(node)
    seconds = time.monotonic() - begun
    while any(worker.poll() is None for worker in undisturbed):
        assert time.monotonic() < begun + HOURS
        memory.look()
        time.sleep(0.5)
    assert [worker.returncode for worker in undisturbed] == [0, 0, 0, 0]
    print(f"{SAMPLES} samples in {seconds:.0f} s beside the undisturbed run: {counts}; {len(memory.seen)} processes, "
          f"none with more than {memory.most / 1024:.0f} MiB")
    assert done() == CHUNKS and sum(counts.values()) >= 8 and min(counts.values()) >= 1, (counts, done())
    assert len(memory.seen) >= 8 and memory.most < 128 * 1024

    def checked(folder):
        verified = extract("--verify-dataset", "-o", f"{folder}/", "--samples", "ids.txt", patience=1800)
        assert verified.returncode == 0 and json.loads(verified.stdout)["samples"] == SAMPLES, verified.stderr
        return (tmp_path / folder / "_dataset.json").read_text()

    whole = checked("whole")
    assert checked("set") == whole
    assert pyarrow.dataset.dataset(tmp_path / "set").count_rows() == 3 * SAMPLES


def test_snakemake_starts_its_parts_on_slurm(cluster, start, tmp_path):
    sandbox = start("--samples", "90", "--taxa", "40")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(40))
    extract.good(*CALL, "--arg", "limit=30", "-o", "single.parquet")
    # the platform's Python package has a program of the same name, beside Snakemake's
    (cluster.programs / "bge").symlink_to(BUILD / "bge")
    here = pathlib.Path(sys.executable).parent
    environment = dict(
        sandbox.environment, PATH=os.pathsep.join([str(cluster.programs), str(here), sandbox.environment["PATH"]]),
        XDG_CACHE_HOME=str(tmp_path / "cache"), HOME=str(tmp_path), SLURM_CONF=str(cluster.configuration),
    )
    done = subprocess.run(
        [
            sys.executable, "-m", "snakemake", "-s", TOP / "examples/snakemake/Snakefile", "--directory", tmp_path,
            "--executor", "slurm", "--slurm-status-command", "squeue", "--jobs", "4", "--seconds-between-status-checks", "3",
            "--slurm-init-seconds-before-status-checks", "3", "--resources", "requests=50",
            "--default-resources", "mem_mb=100", "slurm_partition=short", "runtime=5",
            "--config", "samples=ids.txt", "parts=3", "arguments={limit: 30}", "rate_limit=20",
        ],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SLURM jobid" in done.stdout + done.stderr
    assert json.loads((tmp_path / "abundances/_dataset.json").read_text())["rows"] == 40 * 40
    single = pyarrow.parquet.read_table(tmp_path / "single.parquet")
    order = [("biosample_id", "ascending"), ("taxonomy_taxon_id", "ascending")]
    assert pyarrow.dataset.dataset(tmp_path / "abundances").to_table().sort_by(order).equals(single.sort_by(order))
