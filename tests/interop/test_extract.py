"""bge-extract as a user runs it: files that other programs read, exit statuses, kills and signals."""
import csv
import json
import os
import random
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from conftest import BUILD, LONG, TAXA, Api


class Extract:
    """bge-extract in a folder, on a sandbox."""

    def __init__(self, sandbox, folder):
        self.sandbox, self.folder = sandbox, folder
        self.environment = sandbox.environment

    def command(self, *arguments):
        return [str(BUILD / "bge-extract"), *map(str, arguments)]

    def __call__(self, *arguments, **environment):
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=dict(self.environment, **environment),
            capture_output=True, text=True, timeout=120,
        )
        return done

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment)

    def good(self, *arguments):
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done

    def samples(self, ids, name="ids.txt"):
        (self.folder / name).write_text("\n".join(ids) + "\n", encoding="utf-8")
        return name

    def files(self):
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())


@pytest.fixture
def extract(sandbox, tmp_path):
    return Extract(sandbox, tmp_path)


def test_every_format_holds_the_same_table(extract, api):
    ids = extract.sandbox.metagenomes(5)
    extract.samples(["# a cohort", ids[0].lower(), "", *ids[1:]])
    wanted = api.table("get_taxon_abundance", biosample_id=ids).read_all()
    assert wanted.num_rows == 600
    for ending in ("parquet", "csv", "jsonl", "arrow"):
        extract.good("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=50", "-o", f"t.{ending}")
    parquet = pa.parquet.read_table(extract.folder / "t.parquet")
    assert parquet.equals(wanted) and parquet.schema.equals(wanted.schema, check_metadata=True)
    arrow = pa.ipc.open_file(extract.folder / "t.arrow").read_all()
    assert arrow.equals(wanted) and arrow.schema.equals(wanted.schema, check_metadata=True)

    rows = wanted.to_pylist()
    with open(extract.folder / "t.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == wanted.column_names
    for got, row in zip(table, rows, strict=True):
        for name, value in row.items():
            read = float(got[name]) if isinstance(value, float) else got[name]
            assert read == ("" if value is None else value), name
    with open(extract.folder / "t.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    for got, row in zip(lines, rows, strict=True):
        for name, value in row.items():
            is_json = wanted.schema.field(name).metadata[b"bge.type"] == b"json" and value is not None
            assert got[name] == (json.loads(value) if is_json else value), name
    assert extract.files() == ["ids.txt", "t.arrow", "t.csv", "t.jsonl", "t.parquet"]


def test_shards_make_up_the_whole(extract):
    ids = extract.sandbox.metagenomes(25)
    extract.samples(ids)
    common = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=200")
    extract.good(*common, "-o", "all.parquet")
    for shard in range(4):
        extract.good(*common, "--shard", f"{shard}/4", "-o", f"{shard}.parquet")
    parts = [pa.parquet.read_table(extract.folder / f"{shard}.parquet") for shard in range(4)]
    assert all(part.num_rows for part in parts)
    everything = pa.parquet.read_table(extract.folder / "all.parquet")
    order = [("biosample_id", "ascending"), ("taxonomy_taxon_id", "ascending")]
    assert pa.concat_tables(parts).sort_by(order).equals(everything.sort_by(order))

    # all that the platform lists, by a filter; and calls that are about no sample
    extract.good("get_taxon_abundance", "--samples", "all", "--arg", "omics=2", "-o", "listed.parquet")
    listed = set(pa.parquet.read_table(extract.folder / "listed.parquet")["biosample_id"].to_pylist())
    assert listed >= set(ids)
    model = extract.sandbox.ready["model_id"]
    done = extract.good("model_versions", "--arg", f"model_id={model}", "-o", "-", "--format", "jsonl")
    assert json.loads(done.stdout.splitlines()[0])["version"] == 23


def test_exit_statuses(extract):
    sandbox = extract.sandbox
    ids = sandbox.metagenomes(4)
    extract.samples(ids)
    common = ("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.parquet")
    for wrong in (
        ("get_taxon_abundance", "--samples", "nothing.txt", "-o", "t.parquet"),
        ("get_taxon_abundance", "-o", "t.parquet"),
        ("get_taxon_abundanc", "--samples", "ids.txt", "-o", "t.parquet"),
        ("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.unknown"),
        (*common, "--shard", "4/4"),
        (*common, "--no-such-option"),
        (*common, "--arg", 'limit="x"'),
        ("get_func_abundance", "--samples", "ids.txt", "--arg", "catalog=nothing", "-o", "t.parquet"),
        ("get_samples", "--samples", "ids.txt", "-o", "t.parquet"),
    ):
        done = extract(*wrong)
        assert done.returncode == 65, (wrong, done.stderr)
    assert extract(*common, BGE_ACCESS_TOKEN="wrong").returncode == 77
    assert extract(*common, BGE_ENDPOINT="http://127.0.0.1:1").returncode == 75
    assert extract("get_taxon_abundance", "--samples", "ids.txt", "-o", "no/such/t.parquet").returncode == 1
    assert extract.files() == ["ids.txt"], "nothing is left of a run that failed"

    other = sandbox.ready["other_biosample_id"]
    extract.samples([ids[0], other, *ids[1:]])
    done = extract(*common)
    assert done.returncode == 3 and other in done.stderr
    table = pa.parquet.read_table(extract.folder / "t.parquet")
    assert list(dict.fromkeys(table["biosample_id"].to_pylist())) == ids
    failed = (extract.folder / "t.parquet.failed.txt").read_text(encoding="utf-8")
    assert failed.startswith(f"{other}  # ") and "41303" in failed and len(failed.splitlines()) == 1

    # A sample that fails on its third page is not there in parts; its file of ids is good for another run.
    fault = {"query": f"*{ids[2]}*page=3*", "kind": "code", "code": 41001, "count": 0}
    sandbox.control("POST", "faults", fault)
    extract.samples(ids)
    assert extract(*common, "--arg", "limit=30").returncode == 3
    table = pa.parquet.read_table(extract.folder / "t.parquet")
    assert table.num_rows == 3 * 120 and ids[2] not in table["biosample_id"].to_pylist()
    sandbox.control("DELETE", "faults")
    extract.good("get_taxon_abundance", "--samples", "t.parquet.failed.txt", "-o", "rest.parquet")
    assert set(pa.parquet.read_table(extract.folder / "rest.parquet")["biosample_id"].to_pylist()) == {ids[2]}
    extract.good(*common)
    assert not (extract.folder / "t.parquet.failed.txt").exists(), "a whole table has no list of failed ids"
    assert extract(*common, "--fail-fast", "--samples", "rest").returncode == 65


def test_a_killed_run_goes_on_to_the_same_bytes(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "90", "--latency", "3")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(30))
    arguments = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "--concurrency", "3")
    extract.good(*arguments, "-o", "whole.parquet")
    extract.good(*arguments, "-o", "whole.arrow")
    whole = {ending: (tmp_path / f"whole.{ending}").read_bytes() for ending in ("parquet", "arrow")}
    rng = random.Random(11)
    for moment in range(20 if LONG else 5):
        ending = ("parquet", "arrow")[moment % 2]
        again = (*arguments, "--checkpoint-dir", f"kept{moment}", "-o", f"again.{ending}")
        running = extract.start(*again)
        time.sleep(rng.uniform(0.02, 0.5))
        running.send_signal(signal.SIGKILL)
        killed = running.wait() == -signal.SIGKILL
        kept = [path for path in (tmp_path / f"kept{moment}").glob("*.gz")]
        sandbox.control("DELETE", "log")
        extract.good(*again)
        assert (tmp_path / f"again.{ending}").read_bytes() == whole[ending]
        if killed:
            # six requests for a sample; what was finished is not asked for again
            assert sandbox.asked() == (30 - len(kept)) * 6
        (tmp_path / f"again.{ending}").unlink()


def test_a_signal_flushes_what_is_whole(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "90", "--latency", "20")
    extract = Extract(sandbox, tmp_path)
    ids = sandbox.metagenomes(35)
    extract.samples(ids)
    for number in (signal.SIGTERM, signal.SIGINT):
        running = extract.start(
            "get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "--concurrency", "3", "-o", "t.parquet"
        )
        sandbox.control("DELETE", "log")
        deadline = time.monotonic() + 30
        while sandbox.asked() < 60 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(number)
        assert running.wait(20) == 3
        table = pa.parquet.read_table(tmp_path / "t.parquet")
        done = list(dict.fromkeys(table["biosample_id"].to_pylist()))
        assert done == ids[: len(done)] and 0 < len(done) < len(ids)
        assert table.num_rows == 90 * len(done)
        failed = (tmp_path / "t.parquet.failed.txt").read_text().splitlines()
        assert [line.split()[0] for line in failed] == ids[len(done) :]

    # before anything is whole there is nothing to write
    for path in tmp_path.glob("t.parquet*"):
        path.unlink()
    sandbox.control("POST", "faults", {"path": TAXA, "kind": "hang", "count": 0})
    running = extract.start("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.parquet")
    time.sleep(0.5)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 75
    assert extract.files() == ["ids.txt"]
