"""Folders of Parquet files: shards, kills, queues of workers, what is wrong with one, and one file of all."""
import json
import random
import signal
import time

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from conftest import LONG
from test_bge_extract import Extract

COMMON = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=30")


@pytest.fixture
def cohort(start, tmp_path):
    sandbox = start("--samples", "90", "--taxa", "60", "--latency", "3")
    extract = Extract(sandbox, tmp_path)
    extract.ids = sandbox.metagenomes(40)
    extract.samples(extract.ids)
    return extract


def single(extract):
    extract.good(*COMMON, "-o", "single.parquet")
    return pa.parquet.read_table(extract.folder / "single.parquet")


def verify(extract, folder="set"):
    done = extract("--verify-dataset", "-o", f"{folder}/", "--samples", "ids.txt")
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def ordered(table):
    return table.sort_by([("biosample_id", "ascending"), ("taxonomy_taxon_id", "ascending")])


def test_shards_are_one_table_without_merging(cohort):
    folder = cohort.folder / "set"
    alone = single(cohort)
    for shard in range(3):
        assert verify(cohort)[0] == (65 if shard == 0 else 75), "not all of it is there yet"
        cohort.good(*COMMON, "--shard", f"{shard}/3", "-o", "set/")
    code, told, error = verify(cohort)
    assert code == 0, error
    assert (told["samples"], told["rows"], told["files"]) == (40, 40 * 60, 3)
    table = pa.dataset.dataset(folder, format="parquet").to_table()
    assert ordered(table).equals(ordered(alone))
    for shard, path in enumerate(sorted(folder.glob("*.parquet"))):
        assert path.name == f"part-{shard:05}-00000.parquet"
        assert pa.parquet.ParquetFile(path).num_row_groups == 1, "one for all samples"
        part = pa.parquet.read_table(path)
        ids = list(dict.fromkeys(part["biosample_id"].to_pylist()))
        assert ids == [id for id in cohort.ids if id in ids], "in the order of the list"
    # nothing is asked for twice
    cohort.sandbox.control("DELETE", "log")
    cohort.good(*COMMON, "--shard", "1/3", "-o", "set/")
    assert cohort.sandbox.asked() == 0
    # other arguments are another table
    assert cohort(*COMMON[:-1], "limit=31", "--shard", "1/3", "-o", "set/").returncode == 65
    # one file of all, in the order of the list
    cohort.good("--merge", "set", "--samples", "ids.txt", "-o", "merged.parquet")
    merged = pa.parquet.ParquetFile(cohort.folder / "merged.parquet")
    assert merged.read().equals(alone) and merged.num_row_groups == 1


def test_what_is_wrong_with_a_folder_is_found(cohort):
    folder = cohort.folder / "set"
    cohort.good(*COMMON, "-o", "set/")
    assert verify(cohort)[0] == 0
    part = folder / "part-00000-00000.parquet"
    whole = part.read_bytes()
    table = pa.parquet.read_table(part)
    changed = table.set_column(
        table.column_names.index("taxonomy_rank"), "taxonomy_rank", pa.array(["other"] * table.num_rows)
    )
    for wrong in (changed, table.slice(1), pa.concat_tables([table.slice(60), table.slice(0, 60)])):
        pa.parquet.write_table(wrong, part)
        assert verify(cohort)[0] == 1
    part.write_bytes(whole[: len(whole) // 2])
    assert verify(cohort)[0] == 1
    part.write_bytes(whole)
    (folder / "stranger.parquet").write_bytes(whole)
    assert verify(cohort)[0] == 1
    (folder / "stranger.parquet").unlink()
    cohort.samples([*cohort.ids, "E-F99999999999"])
    code, told, error = verify(cohort)
    assert code == 3 and told["missing"] == 1 and "E-F99999999999" in error
    cohort.samples(cohort.ids[1:])
    assert verify(cohort)[0] == 1


def test_killed_and_repeated_it_is_the_same_folder(cohort):
    cohort.good(*COMMON, "-o", "whole/")
    assert verify(cohort, "whole")[0] == 0
    rng = random.Random(5)
    cohort.sandbox.control("POST", "options", {"latency": 60})
    kills = 0
    for turn in range(200 if LONG else 40):
        running = cohort.start(*COMMON, "--checkpoint-dir", "kept", "-o", "set/")
        time.sleep(rng.uniform(0.02, 0.25))
        # a killed run and one that may finish what is whole take turns
        running.send_signal([signal.SIGKILL, signal.SIGTERM][turn % 2])
        kills += running.wait(30) not in (0, 75)
        if verify(cohort)[0] == 0:
            break
    cohort.good(*COMMON, "--checkpoint-dir", "kept", "-o", "set/")
    assert kills and verify(cohort)[0] == 0
    read = lambda name: (cohort.folder / name / "_dataset.json").read_text()
    assert read("set") == read("whole")


def test_samples_that_fail_are_completed_later(cohort):
    cohort.sandbox.control(
        "POST", "faults", {"query": f"*{cohort.ids[7]}*", "kind": "code", "code": 41303, "count": 0}
    )
    assert cohort(*COMMON, "-o", "set/").returncode == 3
    failed = (cohort.folder / "set/_failed-00000.txt").read_text()
    assert failed.startswith(cohort.ids[7]) and len(failed.splitlines()) == 1
    assert verify(cohort)[0] == 75
    cohort.sandbox.control("DELETE", "faults")
    cohort.good(*COMMON, "-o", "set/")
    assert verify(cohort)[0] == 0 and not (cohort.folder / "set/_failed-00000.txt").exists()


def test_workers_share_a_queue_and_take_over_from_the_dead(cohort):
    queue = (*COMMON, "--queue", "queue", "--chunk", "4", "-o", "set/", "--concurrency", "2")
    cohort.sandbox.control("POST", "options", {"latency": 15})
    first = cohort.start(*queue)
    deadline = time.monotonic() + 30
    taken = cohort.folder / "queue/taken"
    while not (taken.is_dir() and any(taken.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)
    first.kill()
    first.wait()
    assert any(taken.iterdir()), "it died with a chunk in hand"
    workers = [cohort.start(*queue) for _ in range(3)]
    time.sleep(0.3)
    workers[0].send_signal(signal.SIGUSR1)
    assert workers[0].wait(30) in (0, 75)
    assert [worker.wait(60) for worker in workers[1:]] == [0, 0]
    code, told, error = verify(cohort)
    assert code == 0 and told["samples"] == 40, error
    assert len(list((cohort.folder / "queue/done").iterdir())) == 10
    assert not any(taken.iterdir()) and not any((cohort.folder / "queue/todo").iterdir())
    cohort.sandbox.control("DELETE", "log")
    cohort.good(*queue)
    assert cohort.sandbox.asked() == 0
