"""pyarrow as the independent reader of libbge's tables, and Python's own JSON as the judge of every value."""
import json
import os
import time

import pyarrow as pa
import pytest
from conftest import LONG, Api, Failed

TYPES = {
    "string": pa.string(), "json": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_(),
}
ELEMENT = "02393f70-c7e4-11e9-bfed-00163e104c79"


def expected(row, columns, sample):
    """What a table must hold of a JSON row: by JSON pointer, column by column, and what is left in `extra`."""
    rest, flat = json.loads(json.dumps(row)), {}
    for column in columns:
        *outer, last = column["path"].split("/")[1:]
        inner = rest
        for name in outer:
            inner = inner.get(name) if isinstance(inner, dict) else None
        value = inner.pop(last, None) if isinstance(inner, dict) else None
        flat[column["name"]] = float(value) if column["type"] == "float64" and value is not None else value
    if flat.get("biosample_id") is None:
        flat["biosample_id"] = sample
    flat["extra"] = pruned(rest)
    return flat


def pruned(value):
    if not isinstance(value, dict):
        return value
    return {name: kept for name, inner in value.items() if (kept := pruned(inner)) is not None} or None


def read(row, columns):
    """A row of a table with its JSON texts read."""
    names = [column["name"] for column in columns if column["type"] == "json"] + ["extra"]
    for name in names:
        if row[name] is not None:
            row[name] = pruned(json.loads(row[name])) if name == "extra" else json.loads(row[name])
    return row


@pytest.mark.parametrize(
    "name, arguments, has_sample",
    [
        ("get_samples", {"limit": 9}, False),
        ("get_variants", {"rsids": [f"rs{number}" for number in range(762540, 762670)]}, "biosample_id"),
        ("get_taxon_abundance", {"limit": 50}, "meta_biosample_id"),
        ("get_func_abundance", {"catalog": "go", "limit": 70}, "meta_biosample_id"),
        ("get_gene_abundance", {"catalog": "IGC_9.9M", "data_type": "list", "limit": 700}, "meta_biosample_id"),
        ("get_range_stream", {"data_element_id": ELEMENT, "limit": 60}, "biosample_id"),
        ("get_data_items", {"namespace": "n", "data_element_ids": [ELEMENT]}, "biosample_id"),
        ("model_versions", {}, False),
        ("externals", {"biosample_site": 6, "external_ids": ["外部-1", "外部-2"]}, False),
    ],
)
def test_every_row_is_that_of_the_json_route(sandbox, api, name, arguments, has_sample):
    sample = sandbox.ready[has_sample] if has_sample else None
    if has_sample:
        arguments = dict(arguments, biosample_id=sample)
    if name == "model_versions":
        arguments = dict(arguments, model_id=sandbox.ready["model_id"])
    if name == "externals":
        project = sandbox.ready["project_id"]
        arguments = dict(arguments, project_id=project)
        for external in arguments["external_ids"]:
            text = json.dumps({"external_sample_id": external, "biosample_site": 6, "project_id": project})
            api.text("bge_api_call", api.handle, b"register_sample", text.encode())
    columns = api.columns(name)
    rows = api.rows(name, **arguments)
    table = api.table(name, **arguments).read_all()
    table.validate(full=True)

    declared = {column["name"]: TYPES[column["type"]] for column in columns}
    if has_sample:
        declared["biosample_id"] = pa.string()
    assert {field.name: field.type for field in table.schema} == declared | {"extra": pa.string()}
    for column in columns:
        metadata = table.schema.field(column["name"]).metadata
        assert metadata[b"bge.endpoint"] == name.encode()
        assert metadata[b"bge.description"] == column["description"].encode() != b""
        assert metadata.get(b"bge.unit") == (column["unit"].encode() if column["unit"] else None)

    assert table.num_rows == len(rows) > 0
    for got, row in zip(table.to_pylist(), rows, strict=True):
        wanted = expected(row, columns, sample)
        if not has_sample and "biosample_id" not in declared:
            del wanted["biosample_id"]
        assert read(got, columns) == wanted


def test_numbers_texts_and_nulls_of_a_page_made_up(sandbox, api):
    rows = """[
      {"stream_id": "李\\n\\u6e90 \\"x\\"", "stream_data": {"serial": 9007199254740993, "tiny": 4.9e-324}},
      {"stream_id": null, "stream_data": null, "data_element": null, "new": 18446744073709551615},
      {"stream_id": 7, "create_time": "", "data_element": "none"}, {}
    ]"""
    body = f'{{"code": 0, "data": {{"result": {rows}, "count": 4, "next_page": null}}}}'
    fault = {"path": "/stream/range", "kind": "status", "status": 200, "body": body, "content_type": "application/json"}
    sandbox.control("POST", "faults", fault)
    table = api.table("get_range_stream", data_element_id=ELEMENT, biosample_id="E-B1").read_all()
    assert table["biosample_id"].to_pylist() == ["E-B1"] * 4
    assert table["stream_id"].to_pylist() == ['李\n源 "x"', None, None, None]
    assert table["create_time"].to_pylist() == [None, None, "", None]
    assert table["stream_data"].to_pylist()[0] == '{"serial": 9007199254740993, "tiny": 4.9e-324}'
    assert table["stream_data"].null_count == 3
    assert table["data_element_data_element_id"].null_count == 4
    assert table["extra"].to_pylist() == [
        None, '{"new":18446744073709551615}', '{"stream_id":7,"data_element":"none"}', None,
    ]


def test_whole_numbers_of_64_bits(sandbox, api):
    numbers = [9007199254740993, -(2**63), 2**63 - 1, 0]
    rows = json.dumps([{"data_item_id": number} for number in numbers])
    body = f'{{"code": 0, "data": {{"result": {rows}, "next_page": null}}}}'
    sandbox.control("POST", "faults", {
        "path": "/data_item/batch_retrieve", "kind": "status", "status": 200, "body": body,
        "content_type": "application/json",
    })
    table = api.table("get_data_items", namespace="n", biosample_id="E-B1", data_element_ids="x").read_all()
    assert table["data_item_id"].to_pylist() == numbers


def test_nothing_to_give(sandbox, api):
    meta = sandbox.ready["meta_biosample_id"]
    empty = api.table("get_taxon_abundance", biosample_id=meta, taxon_ids="txid1323").read_all()
    assert empty.num_rows == 0 and empty.schema.field("observation_value").type == pa.float64()
    sandbox.control("DELETE", "log")
    none = api.table("get_taxon_abundance", biosample_id=[]).read_all()
    assert none.schema == empty.schema and none.num_rows == 0
    assert sandbox.control("GET", "log")["requests"] == []


def test_a_cohort_is_its_samples_one_after_the_other(sandbox, api):
    ids = sandbox.metagenomes(20)
    ids = ids[::2] + ids[1::2]
    wanted = [row for sample in ids for row in api.table("get_taxon_abundance", biosample_id=sample).read_all().to_pylist()]
    for concurrency in (1, 3, 16):
        table = api.table("get_taxon_abundance", biosample_id=ids, switches={"concurrency": concurrency}).read_all()
        assert table.to_pylist() == wanted
    every = api.table("get_taxon_abundance", biosample_ids="all", omics=2).read_all()
    assert set(every["biosample_id"].unique().to_pylist()) >= set(ids)


def test_failures_say_what_bge_error_json_says(sandbox, api):
    ids = sandbox.metagenomes(3) + [sandbox.ready["other_biosample_id"]]
    reader = api.table("get_taxon_abundance", biosample_id=ids)
    with pytest.raises(OSError) as failure:
        reader.read_all()
    text = str(failure.value)
    told = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert (told["code"], told["biosample_id"], told["name"]) == (41303, ids[3], "BGE_ERR_API")
    with pytest.raises(Failed) as refused:
        api.table("get_taxon_abundance", biosample_id=7)
    assert refused.value.json["name"] == "BGE_ERR_ARGUMENT"


def test_a_forked_child_reads_nothing_and_harms_nothing(sandbox, api):
    ids = sandbox.metagenomes(12)
    reader = api.table("get_taxon_abundance", biosample_id=ids, limit=20)
    before = reader.read_next_batch().num_rows
    child = os.fork()
    if child == 0:
        status = 1
        try:
            reader.read_next_batch()
        except (OSError, pa.ArrowInvalid) as failure:
            status = 0 if "BGE_ERR_CLOSED" in str(failure) else 2
        del reader
        try:
            # A client works in the child: it makes connections of its own.
            if api.table("get_taxon_abundance", biosample_id=ids[0]).read_all().num_rows != 120:
                status = 3
        except BaseException:
            status = 4
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert before + sum(batch.num_rows for batch in reader) == 12 * 120


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_stays_flat_when_the_reader_stops(start):
    sandbox = start("--samples", "60", "--taxa", "5000")
    sandbox.control("POST", "options", {"log": "off"})
    api, ids = Api(sandbox), sandbox.metagenomes(20)
    # 20 samples of 10 pages of 400 kB: 80 MB, of which 4 pages may wait
    reader = api.table(
        "get_taxon_abundance", biosample_id=ids, limit=500, switches={"concurrency": 2, "prefetch": 2}
    )
    reader.read_next_batch()
    before = resident()
    for _ in range(20 if LONG else 6):
        time.sleep(0.25)
    assert resident() - before < 16e6
    # slowly on, and everything is given back
    for _ in range(40):
        reader.read_next_batch()
    assert resident() - before < 24e6
    del reader
    api.close()
