"""bge extract as a user runs it: files that other programs read, exit statuses, kills and signals."""
import csv
import json
import os
import pathlib
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
    """bge extract in a folder, on a sandbox."""

    def __init__(self, sandbox, folder):
        self.sandbox, self.folder = sandbox, folder
        self.environment = sandbox.environment

    def command(self, *arguments):
        return [str(BUILD / "bge"), "extract", *map(str, arguments)]

    def __call__(self, *arguments, patience=120, **environment):
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=dict(self.environment, **environment),
            capture_output=True, text=True, timeout=patience,
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
    for ending in ("parquet", "csv", "tsv", "jsonl", "arrow"):
        arguments = ("--samples", "ids.txt", "--arg", "limit=50", "--text", "-o", f"t.{ending}")
        extract.good("get_taxon_abundance", *arguments)
    parquet = pa.parquet.read_table(extract.folder / "t.parquet")
    arrow = pa.ipc.open_file(extract.folder / "t.arrow").read_all()
    for table in (parquet, arrow):
        assert table.equals(wanted)
        assert all(map(lambda one, other: one.equals(other, check_metadata=True), table.schema, wanted.schema))
        assert table.schema.metadata.items() >= wanted.schema.metadata.items()

    rows = wanted.to_pylist()
    for ending, delimiter in (("csv", ","), ("tsv", "\t")):
        with open(extract.folder / f"t.{ending}", encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file, delimiter=delimiter))
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
    assert extract.files() == ["ids.txt", "t.arrow", "t.csv", "t.jsonl", "t.parquet", "t.tsv"]


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
    done = extract(*common, "--max-retries", "0", "--retry-for", "3", BGE_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 75 and "waiting for the platform: " in done.stderr, done.stderr
    assert extract("get_taxon_abundance", "--samples", "ids.txt", "-o", "no/such/t.parquet").returncode == 1
    assert extract.files() == ["ids.txt"], "nothing is left of a run that failed"

    other = sandbox.ready["other_biosample_id"]
    extract.samples([ids[0], other, *ids[1:]])
    done = extract(*common)
    assert done.returncode == 3 and other in done.stderr
    assert not (extract.folder / "t.parquet").exists(), "it is not whole"
    table = pa.parquet.read_table(extract.folder / "t.partial.parquet")
    assert list(dict.fromkeys(table["biosample_id"].to_pylist())) == ids
    failed = (extract.folder / "t.parquet.failed.txt").read_text(encoding="utf-8")
    assert failed.startswith(f"{other}  # ") and "41303" in failed and len(failed.splitlines()) == 1

    # A sample that fails on its third page is not there in parts; its file of ids is good for another run.
    fault = {"query": f"*{ids[2]}*page=3*", "kind": "code", "code": 41001, "count": 0}
    sandbox.control("POST", "faults", fault)
    extract.samples(ids)
    assert extract(*common, "--arg", "limit=30").returncode == 3
    table = pa.parquet.read_table(extract.folder / "t.partial.parquet")
    assert table.num_rows == 3 * 120 and ids[2] not in table["biosample_id"].to_pylist()
    sandbox.control("DELETE", "faults")
    extract.good("get_taxon_abundance", "--samples", "t.parquet.failed.txt", "-o", "rest.parquet")
    assert set(pa.parquet.read_table(extract.folder / "rest.parquet")["biosample_id"].to_pylist()) == {ids[2]}
    # for the same output it completes what there is
    extract.good("get_taxon_abundance", "--samples", "t.parquet.failed.txt", "-o", "t.parquet")
    table = pa.parquet.read_table(extract.folder / "t.parquet")
    assert table.num_rows == 4 * 120 and set(table["biosample_id"].to_pylist()) == set(ids)
    assert extract.files() == ["ids.txt", "rest.parquet", "t.parquet"], "a whole table has no list of failed ids"
    # a partial result never takes the place of a whole one
    sandbox.control("POST", "faults", fault)
    whole = (extract.folder / "t.parquet").read_bytes()
    assert extract(*common, "--arg", "limit=30").returncode == 3
    assert (extract.folder / "t.parquet").read_bytes() == whole
    sandbox.control("DELETE", "faults")
    extract.good(*common)
    assert extract.files() == ["ids.txt", "rest.parquet", "t.parquet"]
    assert extract(*common, "--fail-fast", "--samples", "rest").returncode == 65


def test_a_killed_run_goes_on_to_the_same_bytes(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "90", "--latency", "3")
    sandbox.control("POST", "options", {"count": "page"})
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
        sandbox.control("DELETE", "log")
        extract.good(*again)
        assert (tmp_path / f"again.{ending}").read_bytes() == whole[ending]
        if killed:
            # six requests for a sample; what was finished is not asked for again
            assert sandbox.asked() % 6 == 0 and sandbox.asked() <= 30 * 6
        (tmp_path / f"again.{ending}").unlink()


ENDINGS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU]


def test_a_signal_at_any_moment_leaves_what_is_whole(start, tmp_path):
    sandbox = start("--samples", "60", "--taxa", "40", "--latency", "5")
    extract = Extract(sandbox, tmp_path)
    ids = sandbox.metagenomes(25)
    extract.samples(ids)
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for moment in range(120 if LONG else 6):
        ending = rng.choice(["parquet", "csv", "jsonl", "arrow"])
        number = rng.choice(ENDINGS)
        told = f"seed {seed}, moment {moment}: {number!r}, {ending}"
        running = extract.start(
            "get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "--concurrency", "3", "-o", f"t.{ending}"
        )
        # it takes its signals from the moment on that it asks for something
        sandbox.control("DELETE", "log")
        until = time.monotonic() + 30
        while sandbox.asked() < rng.randrange(1, 50) and running.poll() is None and time.monotonic() < until:
            time.sleep(0.003)
        running.send_signal(number)
        status = running.wait(30)
        files = set(extract.files()) - {"ids.txt"}
        if status == 0:
            assert files == {f"t.{ending}"}, told
        else:
            # either with what is whole and the rest by name, or with nothing
            assert status == 75, (told, status)
            assert files in ({"t." + ending + ".failed.txt", "t.partial." + ending}, set()), (told, files)
        if ending == "parquet" and files:
            (name,) = (name for name in files if name.endswith(".parquet"))
            table = pa.parquet.read_table(tmp_path / name)
            done = set(table["biosample_id"].to_pylist())
            assert table.num_rows == 40 * len(done), told
            failed = tmp_path / "t.parquet.failed.txt"
            left = {line.split()[0] for line in failed.read_text().splitlines()} if failed.exists() else set()
            assert done | left == set(ids) and not done & left, told
        for name in files:
            (tmp_path / name).unlink()
        assert not list(tmp_path.glob(".*")), told


def test_without_room_nothing_half_written_is_left(start, tmp_path):
    sandbox = start("--samples", "40", "--taxa", "60")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(8))
    whole = {}
    for ending in ("parquet", "csv", "jsonl", "arrow"):
        extract.good("get_taxon_abundance", "--samples", "ids.txt", "-o", f"t.{ending}")
        whole[ending] = (tmp_path / f"t.{ending}").read_bytes()
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for turn in range(120 if LONG else 6):
        ending = rng.choice(list(whole))
        room = rng.randrange(len(whole[ending]) * 5 // 4)
        command = extract.command("get_taxon_abundance", "--samples", "ids.txt", "-o", f"t.{ending}")
        done = subprocess.run(
            ["prlimit", f"--fsize={room}", "env", "--ignore-signal=XFSZ", *command],
            cwd=tmp_path, env=extract.environment, capture_output=True, text=True, timeout=120,
        )
        told = f"seed {seed}, turn {turn}: {room} bytes of {len(whole[ending])}, {ending}: {done.stderr}"
        assert done.returncode == (1 if room < len(whole[ending]) else 0), told
        # the one of before stays, and nothing is left beside it
        assert (tmp_path / f"t.{ending}").read_bytes() == whole[ending], told
        assert extract.files() == ["ids.txt", *sorted(f"t.{name}" for name in whole)], told


def test_a_signal_flushes_what_is_whole(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "90", "--latency", "20")
    extract = Extract(sandbox, tmp_path)
    ids = sandbox.metagenomes(35)
    extract.samples(ids)
    numbers = ENDINGS
    for number in numbers:
        running = extract.start(
            "get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "--concurrency", "3", "-o", "t.parquet"
        )
        sandbox.control("DELETE", "log")
        deadline = time.monotonic() + 30
        while sandbox.asked() < 60 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(number)
        assert running.wait(20) == 75
        assert extract.files() == ["ids.txt", "t.parquet.failed.txt", "t.partial.parquet"]
        table = pa.parquet.read_table(tmp_path / "t.partial.parquet")
        done = list(dict.fromkeys(table["biosample_id"].to_pylist()))
        assert 0 < len(done) < len(ids) and table.num_rows == 90 * len(done)
        # every id is in exactly one of the two, in its order
        failed = [line.split()[0] for line in (tmp_path / "t.parquet.failed.txt").read_text().splitlines()]
        assert sorted(done + failed) == sorted(ids) and not set(done) & set(failed)
        assert [done, failed] == [[id for id in ids if id in done], [id for id in ids if id in failed]]

    # before anything is whole there is nothing to write
    for path in tmp_path.glob("t.*"):
        path.unlink()
    sandbox.control("POST", "faults", {"path": TAXA, "kind": "hang", "count": 0})
    running = extract.start("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.parquet")
    time.sleep(0.5)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 75
    assert extract.files() == ["ids.txt"]


def test_before_anything_is_asked_for_a_signal_leaves_nothing(start, tmp_path):
    sandbox = start("--samples", "40", "--taxa", "20")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(5))
    extract.good("get_taxon_abundance", "--samples", "ids.txt", "-o", "set/")
    # the output is begun, and the list of samples has no end yet
    for words in (("get_taxon_abundance", "--samples", "-"), ("--merge", "set", "--samples", "-")):
        for number in ENDINGS:
            running = subprocess.Popen(
                extract.command(*words, "-o", "t.parquet"), cwd=tmp_path, env=extract.environment, stdin=subprocess.PIPE
            )
            until = time.monotonic() + 30
            while not list(tmp_path.glob(".bge-extract-*")) and time.monotonic() < until:
                time.sleep(0.01)
            assert list(tmp_path.glob(".bge-extract-*")), "it was begun"
            running.send_signal(number)
            assert running.wait(20) == 75, (words, number)
            running.stdin.close()
            assert extract.files() == ["ids.txt"], (words, number)


def test_a_finished_sample_behind_a_slow_one_is_saved_at_a_signal(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "40")
    extract = Extract(sandbox, tmp_path)
    ids = sandbox.metagenomes(25)
    extract.samples(ids)
    sandbox.control("POST", "faults", {"query": f"*{ids[3]}*", "kind": "hang", "count": 0})
    running = extract.start("get_taxon_abundance", "--samples", "ids.txt", "--concurrency", "4", "-o", "t.parquet")
    deadline = time.monotonic() + 30
    while sandbox.asked() < 45 and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 75
    done = set(pa.parquet.read_table(tmp_path / "t.partial.parquet")["biosample_id"].to_pylist())
    failed = [line.split()[0] for line in (tmp_path / "t.parquet.failed.txt").read_text().splitlines()]
    assert done | set(failed) == set(ids) and not done & set(failed)
    assert ids[3] in failed and len(done) >= 15, (len(done), failed)


def test_outputs_as_shells_have_them(extract):
    extract.samples(extract.sandbox.metagenomes(2))
    common = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=50")
    folder = extract.folder
    # a link stays a link
    (folder / "there").mkdir()
    (folder / "t.csv").symlink_to("there/real.csv")
    extract.good(*common, "-o", "t.csv")
    assert (folder / "t.csv").is_symlink() and (folder / "there/real.csv").stat().st_size > 1000
    # the mode of what is replaced is kept
    (folder / "there/real.csv").chmod(0o600)
    extract.good(*common, "-o", "t.csv")
    assert (folder / "there/real.csv").stat().st_mode & 0o777 == 0o600
    wanted = (folder / "there/real.csv").read_bytes()
    # a pipe and a device are written into
    os.mkfifo(folder / "pipe.csv")
    running = extract.start(*common, "-o", "pipe.csv")
    assert (folder / "pipe.csv").read_bytes() == wanted
    assert running.wait(20) == 0 and (folder / "pipe.csv").is_fifo()
    extract.good(*common, "--format", "csv", "-o", "/dev/null")
    assert pathlib.Path("/dev/null").is_char_device()
    # names as long as file systems take, and not longer
    for stem in ("样" * 83, "a" * 251):
        extract.good(*common, "-o", f"{stem}.csv")
        assert (folder / f"{stem}.csv").read_bytes() == wanted
    # a folder, and a name that is none, before anything is asked for
    extract.sandbox.control("DELETE", "log")
    for wrong in ("there", "new/", "no/such/t.csv", "b" * 256 + ".csv"):
        assert extract(*common, "--format", "csv", "-o", wrong).returncode in (1, 65), wrong
    assert extract.sandbox.asked() == 0
    assert not [path for path in folder.rglob(".*")], "nothing half-named is left"


def test_leftovers_of_dead_runs_go_and_those_of_the_living_stay(start, tmp_path):
    sandbox = start("--samples", "40", "--taxa", "60", "--latency", "30")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(12))
    slow = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=10", "--concurrency", "1")
    def unfinished():
        return list(tmp_path.glob(".bge-extract-*"))
    def begun(count):
        deadline = time.monotonic() + 30
        while len(unfinished()) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(unfinished()) == count
    dead = extract.start(*slow, "-o", "dead.parquet")
    begun(1)
    dead.kill()
    dead.wait()
    living = extract.start(*slow, "-o", "living.parquet")
    deadline = time.monotonic() + 30
    left = unfinished()
    while time.monotonic() < deadline and (len(unfinished()) != 1 or unfinished() == left):
        time.sleep(0.02)
    living.send_signal(signal.SIGSTOP)
    os.utime(unfinished()[0], (1_000_000_000, 1_000_000_000))
    (tmp_path / ".bge-extract-mine.part").write_text("precious")
    extract.good("get_taxon_abundance", "--samples", "ids.txt", "-o", "other.parquet")
    living.send_signal(signal.SIGCONT)
    assert living.wait(60) == 0
    assert pa.parquet.read_table(tmp_path / "living.parquet").num_rows == 12 * 60
    assert [path.name for path in unfinished()] == [".bge-extract-mine.part"]


def test_arguments_go_out_as_they_are_typed(extract):
    extract.samples(extract.sandbox.metagenomes(1))
    for value in ("3E4", "2.50", "1234567890123456789012", "007", "it's", "[1"):
        extract.sandbox.control("DELETE", "log")
        extract(
            "get_func_abundance", "--samples", "ids.txt", "--arg", "catalog=ko", "--arg", f"ids={value}", "-o", "t.csv"
        )
        log = extract.sandbox.control("GET", "log")["requests"]
        assert log[0]["query"]["ids"] == value
    extract.sandbox.control("DELETE", "log")
    extract("get_data_items", "--samples", "ids.txt", "--arg", "namespace=5", "--arg", "collection_id=77", "-o", "t.csv")
    query = extract.sandbox.control("GET", "log")["requests"][0]["query"]
    assert query["collection_id"] == "77" and query["namespace"] == "5"
    # what a filter may have been meant for is told
    done = extract("get_taxon_abundance", "--samples", "all", "--arg", "omic=2", "-o", "t.csv")
    assert "did you mean omics" in done.stderr


def test_bad_input_is_refused(extract):
    extract.samples(["# nobody", ""])
    common = ("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.csv")
    assert extract(*common).returncode == 65
    extract.samples(extract.sandbox.metagenomes(1))
    for wrong in ("nan", "inf", "0", "-1", "x"):
        assert extract(*common, "--rate-limit", wrong).returncode == 65, wrong
    for wrong in (("--timeout", "soon"), ("--max-retries", "-1"), ("--columns", "nothing"), ("--proxy", "no address")):
        assert extract(*common, *wrong).returncode == 65, wrong


def test_switches_of_the_library(extract):
    extract.samples(extract.sandbox.metagenomes(2))
    common = ("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.csv")
    extract.good(*common, "--log-file", "log.txt", "--timeout", "20", "--deadline", "60", "--max-retries", "2")
    assert (extract.folder / "log.txt").exists()
    assert extract(*common, "--proxy", "http://127.0.0.1:1", "--retry-for", "0", "--max-retries", "0",
                   BGE_ENDPOINT="http://192.0.2.1").returncode == 75
    assert extract(*common, "--ca-file", "no-such.pem").returncode == 65
    extract.sandbox.control("POST", "faults", {"path": TAXA, "kind": "hang", "count": 0})
    begun = time.monotonic()
    done = extract(*common, "--timeout", "0.3", "--max-retries", "0", "--retry-for", "0.5")
    assert done.returncode == 75 and time.monotonic() - begun < 30


def test_outages_and_quotas_cost_no_sample(start, tmp_path):
    sandbox = start("--samples", "80", "--taxa", "40")
    extract = Extract(sandbox, tmp_path)
    ids = sandbox.metagenomes(35)
    extract.samples(ids)
    common = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=20", "--max-retries", "0")
    for fault in ({"status": 503}, {"status": 429, "headers": {"Retry-After": "{left}"}}):
        fault |= {"path": TAXA, "kind": "status", "skip": 20, "seconds": 3}
        sandbox.control("POST", "faults", fault)
        extract.good(*common, "-o", "t.parquet")
        assert pa.parquet.read_table(tmp_path / "t.parquet").num_rows == 35 * 40
        sandbox.control("DELETE", "faults")
    # one that does not end: what is whole stays, and the rest is worth repeating
    sandbox.control("POST", "faults", {"path": TAXA, "kind": "status", "status": 503, "skip": 30, "count": 0})
    assert extract(*common, "--retry-for", "2", "-o", "u.parquet").returncode == 75
    done = set(pa.parquet.read_table(tmp_path / "u.partial.parquet")["biosample_id"].to_pylist())
    failed = {line.split()[0] for line in (tmp_path / "u.parquet.failed.txt").read_text().splitlines()}
    assert done | failed == set(ids) and not done & failed and done
    sandbox.control("DELETE", "faults")
    extract.good("get_taxon_abundance", "--samples", "u.parquet.failed.txt", "-o", "u.parquet")
    assert set(pa.parquet.read_table(tmp_path / "u.parquet")["biosample_id"].to_pylist()) == set(ids)


def test_csv_for_excel_and_typed_columns(extract, api):
    ids = extract.sandbox.metagenomes(2)
    extract.samples(ids)
    common = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=50")
    extract.good(*common, "-o", "plain.csv")
    extract.good(*common, "--csv-bom", "--csv-null", "NA", "-o", "t.csv")
    text = (extract.folder / "t.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbfbiosample_id") and b",NA" in text
    assert not (extract.folder / "plain.csv").read_bytes().startswith(b"\xef")
    extract.good(*common, "--csv-bom", "-o", "t.tsv")
    assert (extract.folder / "t.tsv").read_bytes().startswith(b"\xef\xbb\xbfbiosample_id\t")
    wanted = api.table("get_taxon_abundance", biosample_id=ids).read_all()
    for ending, read in (("parquet", pa.parquet.read_table), ("arrow", lambda path: pa.ipc.open_file(path).read_all())):
        extract.good(*common, "-o", f"t.{ending}")
        table = read(extract.folder / f"t.{ending}")
        assert pa.types.is_timestamp(table.schema.field("sample_info_sample_time").type)
        assert table.schema.field("platform_labels").type == pa.list_(pa.string())
        assert table["platform_labels"].to_pylist() == [json.loads(text) for text in wanted["platform_labels"].to_pylist()]
        times = [time.date().isoformat() for time in table["sample_info_sample_time"].to_pylist()]
        assert times == [time[:10] for time in wanted["sample_info_sample_time"].to_pylist()]
        assert table["observation_value"].equals(wanted["observation_value"])
    extract.good(*common, "--columns", "biosample_id,observation_value", "-o", "narrow.parquet")
    narrow = pa.parquet.read_table(extract.folder / "narrow.parquet")
    assert narrow.column_names == ["biosample_id", "observation_value"] and narrow.num_rows == 240


def test_a_sample_without_rows_leaves_a_trace(extract):
    sandbox = extract.sandbox
    ids = sandbox.metagenomes(3)
    extract.samples(ids)
    body = {"code": 0, "msg": "", "data": [], "pagination": {"count": 0, "page": 1}}
    fault = {"query": f"*{ids[1]}*", "kind": "not_json", "body": json.dumps(body), "count": 0}
    sandbox.control("POST", "faults", fault)
    extract.good("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.parquet")
    assert (extract.folder / "t.parquet.empty.txt").read_text() == ids[1] + "\n"


def test_progress_is_told_without_a_terminal(start, tmp_path):
    sandbox = start("--samples", "40", "--taxa", "60", "--latency", "20")
    extract = Extract(sandbox, tmp_path)
    extract.samples(sandbox.metagenomes(12))
    common = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=10", "--concurrency", "2", "-o", "t.csv")
    done = extract(*common, BGE_EXTRACT_PROGRESS="0.2")
    assert "of 12 samples" in done.stderr
    assert extract(*common, "--quiet", BGE_EXTRACT_PROGRESS="0.2").stderr == ""


def test_samples_that_cannot_be_had_may_be_missing(extract):
    ids = extract.sandbox.metagenomes(3)
    other = extract.sandbox.ready["other_biosample_id"]
    extract.samples([ids[0], other, *ids[1:]])
    common = ("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.parquet")
    assert extract(*common).returncode == 3
    extract.good(*common, "--allow-missing")
    assert (extract.folder / "t.parquet.missing.txt").read_text().startswith(other)
    assert extract.files() == ["ids.txt", "t.parquet", "t.parquet.missing.txt"]
