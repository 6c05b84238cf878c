"""bge call and bge api: every call of the table from the shell."""
import csv
import json
import signal
import subprocess
import time
import urllib.request

import pyarrow.parquet
import pytest
from program import Bge, Official


@pytest.fixture
def bge(sandbox, tmp_path):
    return Bge(sandbox, tmp_path / "home")


def raw(sandbox, path):
    """The `data` of an answer, as the bytes that came."""
    request = urllib.request.Request(
        sandbox.ready["endpoint"] + path, headers={"Authorization": f"Bearer {sandbox.ready['access_token']}"}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def test_every_call_has_its_flags_and_the_answer_comes_as_it_is(bge):
    table = bge.json("calls", "--json")
    listed = bge.good("calls")
    for call in table:
        if call["name"] == "upload":
            continue
        assert f"  {call['name']} " in listed
        told = bge.good("call", call["name"], "--help")
        for argument in call["arguments"]:
            flag = argument["name"].replace("_", "-")
            assert f"--{flag} " in told or f"--{flag}[" in told or f"--arg-{flag} " in told, (call["name"], flag)
    sample = bge.sandbox.ready["meta_biosample_id"]
    for path, *words in (
        ("/samples?limit=7&page=1", "get_samples", "--limit", 7, "--next-page", 1),
        (f"/samples/{sample}", "get_sample", "--biosample-id", sample.lower()),
        (f"/microbiome/func_abundance?catalog=go&limit=50&biosample_id={sample}",
         "get_func_abundance", "--biosample_id", sample, "--catalog", "go"),
    ):
        answer = raw(bge.sandbox, path)
        printed = bge.good("call", *words)
        assert printed.endswith("\n") and f'"data":{printed[:-1]}' in answer.replace('"data": ', '"data":')
    # a flag that the program has itself
    bge.good("call", "deploy_model", "--model-id", bge.sandbox.ready["model_id"], "--arg-timeout", 77)
    assert bge.sandbox.control("GET", "log?path=/model/deploy&last=1")["requests"][0]["form"]["timeout"] == "77"
    # what the library does not know is passed on
    bge.good("call", "invoke_model", "--model-id", bge.sandbox.ready["model_id"], "--arg", "age=007")
    assert bge.sandbox.control("GET", "log?last=1")["requests"][0]["query"]["age"] == "007"
    # numbers are not read on the way
    for number in ("3E4", "2.50", "1234567890123456789012"):
        text = json.dumps({"model_id": bge.sandbox.ready["model_id"]})[:-1] + f', "age": {number}}}'
        bge.good("call", "invoke_model", "--json", "-", text=text)
        assert bge.sandbox.control("GET", "log?last=1")["requests"][0]["query"]["age"] == number
    # a call with a truth value
    bge.good("call", "get_samples", "--require-files", "--data-availability=false")
    query = bge.sandbox.control("GET", "log?last=1")["requests"][0]["query"]
    assert (query["require_files"], query["data_availability"]) == ("True", "False")


def test_arguments_as_json_and_what_is_wrong_with_them(bge):
    sample = bge.sandbox.ready["biosample_id"]
    (bge.home / "args.json").write_text(json.dumps({"biosample_id": sample, "rsids": ["rs762551", "rs333"]}))
    wanted = bge.good("call", "get_variants", "--biosample-id", sample, "--rsids", "rs762551", "--rsids", "rs333")
    assert len(json.loads(wanted)) == 2
    assert bge.good("call", "get_variants", "--json", "args.json") == wanted
    text = json.dumps({"rsids": "rs762551,rs333"})
    assert bge.good("call", "get_variants", "--biosample-id", sample, "--json", "-", text=text) == wanted
    bge.fails(65, "biosample_id is given twice", "call", "get_variants", "--biosample-id", sample, "--json", "args.json")
    bge.fails(65, "needs --rsids", "call", "get_variants", "--biosample-id", sample)
    bge.fails(65, "line 1", "call", "get_variants", "--json", "-", text="[1]")
    bge.fails(65, "limit must be a whole number", "call", "get_samples", "--limit", "many")
    bge.fails(65, "unexpected argument", "call", "get_samples", "--limits", "3")
    bge.fails(65, "unrecognized subcommand", "call", "get_sampels")
    bge.fails(65, "41303", "call", "get_sample", "--biosample-id", bge.sandbox.ready["other_biosample_id"])
    bge.fails(77, "token", "call", "get_samples", BGE_ACCESS_TOKEN="wrong")
    bge.fails(75, "no connection", "--max-retries", 0, "call", "get_samples", BGE_ENDPOINT="http://127.0.0.1:1")
    # what is confidential does not stand where everybody sees it
    told = bge.fails(65, "confidential", "call", "send_sms", "--template", "t", "--mobiles", "13800000000")
    assert "13800000000" not in told
    bge.fails(65, "no terminal", "call", "send_sms", "--template", "t")
    (bge.home / "mobiles").write_text("13800000000\n")
    bge.fails(65, "40014", "call", "send_sms", "--template", "t", "--mobiles", "@mobiles")
    form = bge.sandbox.control("GET", "log?path=/sms/send&last=1")["requests"][0]["form"]
    assert form["mobiles"] == "13800000000"


def test_pages_and_parts_of_answers(bge):
    pages = bge.good("call", "get_samples", "--limit", 25, "--all-pages").splitlines()
    assert [len(json.loads(page)["result"]) for page in pages] == [25, 25, 10]
    assert pages[0] + "\n" == bge.good("call", "get_samples", "--limit", 25)
    ids = bge.good("call", "get_samples", "--limit", 25, "--all-pages", "--query", "/result/0/biosample_id").split()
    assert ids == [json.loads(page)["result"][0]["biosample_id"] for page in pages]
    bge.fails(65, "nothing at /nowhere", "call", "get_samples", "--query", "/nowhere")
    bge.fails(65, "has no pages", "call", "get_user", "--all-pages")
    bge.good("call", "get_samples", "--limit", 25, "--all-pages", "-o", "pages.jsonl")
    assert (bge.home / "pages.jsonl").read_text(encoding="utf-8").splitlines() == pages


def test_rows_as_tables_and_files(bge, api):
    sample = bge.sandbox.ready["meta_biosample_id"]
    words = ("call", "get_taxon_abundance", "--biosample-id", sample, "--limit", 50)
    wanted = api.table("get_taxon_abundance", biosample_id=sample).read_all().to_pylist()
    assert len(wanted) == 120
    for count, more in ((50, ()), (120, ("--all-pages",))):
        bge.good(*words, *more, "--format", "parquet", "-o", "t.parquet")
        assert pyarrow.parquet.read_table(bge.home / "t.parquet").to_pylist() == wanted[:count]
        rows = list(csv.DictReader(bge.good(*words, *more, "--format", "csv").splitlines()))
        assert [row["taxonomy_taxon_id"] for row in rows] == [row["taxonomy_taxon_id"] for row in wanted[:count]]
        assert [float(row["observation_value"]) for row in rows] == [
            row["observation_value"] for row in wanted[:count]
        ]
        lines = bge.good(*words, *more, "--format", "jsonl").splitlines()
        assert [json.loads(line)["taxonomy_taxon_id"] for line in lines] == [
            row["taxonomy_taxon_id"] for row in wanted[:count]
        ]
        table = bge.good(*words, *more, "--format", "table").splitlines()
        assert len(table) == count + 1 and "TAXONOMY_TAXON_ID" in table[0]
        assert all(row["taxonomy_taxon_id"] in line for row, line in zip(wanted, table[1:], strict=False))
    bge.fails(65, "has no rows", "call", "get_user", "--format", "csv")
    # a failure leaves no empty file
    bge.fails(65, "41303", "call", "get_taxon_abundance", "--biosample-id", "E-F00000000000",
              "--all-pages", "--format", "csv", "-o", "none.csv")
    assert not (bge.home / "none.csv").exists()


def test_the_official_spellings_give_what_the_official_command_gives(bge, tmp_path):
    ready = bge.sandbox.ready
    official = Official(bge.sandbox, tmp_path / "official")
    sections = {
        "OAuth2": {"client_id": "x", "client_secret": "y", "endpoint": ready["endpoint"]},
        "Token": {"access_token": ready["access_token"]},
    }
    official.store(**sections)
    own = Official(bge.sandbox, tmp_path / "own")
    own.words = bge.words
    own.store(**sections)
    genome, metagenome = ready["biosample_id"], ready["meta_biosample_id"]
    element = "02393f70-c7e4-11e9-bfed-00163e104c79"
    collection = bge.sandbox.control("GET", "state")["collection_id"]
    done = bge.json("call", "invoke_model", "--model-id", "slow-model")["task_id"]
    while bge.json("call", "task", "--task-id", done)["progress"] != "SUCCESS":
        pass
    commands = [
        ("api", *words)
        for words in (
            ("get_user",),
            ("get_overview", "--biosample_id", genome),
            ("get_samples", "-b", f"{genome},{metagenome}", "--require_files"),
            ("get_samples", "--omics", "2", "-p", "2", "-n", "3"),
            ("get_samples", "--no-data_availability"),
            ("get_variants", genome, "rs762551,rs333"),
            ("get_taxon_abundance", metagenome, "-n", "5"),
            ("get_func_abundance", metagenome, "go", "-n", "5"),
            ("get_gene_abundance", metagenome, "IGC_9.9M", "-d", "list", "--limit", "5"),
            ("get_range_stream", element, "-b", genome, "-n", "5", "--sort_direction", "asc"),
            ("aggregate_omics_data", element, "day", "--start_time", "2020-01-01T00:00:00Z", "-b", genome, "-i", "2"),
            ("get_data_items", genome, "meta", "--collection_id", collection),
            ("task", done),
        )
    ]
    for words, printed in zip(commands, official.each(*commands), strict=True):
        assert json.loads(own.good(*words)) == json.loads(printed), words
    # what a user's token is not good for is asked in the same way
    words, asked = ("api", "id_meta", "440308198910010017", "n", "--phone", "17376000000"), []
    for command in (official.each, lambda words: own(*words)):
        bge.sandbox.control("DELETE", "log")
        command(words)
        requests = bge.sandbox.control("GET", "log")["requests"]
        asked.append([(one["method"], one["path"], one["query"], one["form"]) for one in requests])
    assert asked[0] == asked[1] and len(asked[0]) == 1
    # another token, and files
    own.fails(77, "", "api", "get_user", "-t", "wrong")
    (own.home / "some.txt").write_text("some text")
    stored = json.loads(own.good("api", "upload", "some.txt", "-f", "there.txt", "--part_size", "1"))
    assert stored["object_name"].endswith("/there.txt")
    for name in ("there.txt", "there (1).txt"):
        assert json.loads(own.good("api", "download", stored["object_name"], "-m", "wb"))["path"].endswith(name)
        assert (own.home / name).read_text() == "some text"


def test_a_reader_that_goes_away_ends_it_as_any_program(bge):
    words = f"'{bge.words()[0]}' call get_samples --all-pages --limit 1; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({words}) | head -n 1"], env=bge.environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr.split() == ["141"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_file_that_is_not_finished(bge, number):
    before = sorted(bge.home.iterdir())
    bge.sandbox.control("POST", "faults", {"query": "*page=2*", "kind": "hang", "count": 0})
    words = ("call", "get_samples", "--limit", 7, "--all-pages", "--format", "csv", "-o", "samples.csv")
    running = subprocess.Popen(bge.words(*words), cwd=bge.home, env=bge.environment)
    until = time.monotonic() + 30
    while sorted(bge.home.iterdir()) == before and time.monotonic() < until:
        time.sleep(0.01)
    assert sorted(bge.home.iterdir()) != before, "it was begun"
    running.send_signal(number)
    assert running.wait(20) == 75
    assert sorted(bge.home.iterdir()) == before
