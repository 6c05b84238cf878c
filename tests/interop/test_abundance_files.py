"""Abundances as BIOM files and as matrices, read by other people's programs; what Parquet and Arrow files say of themselves."""
import csv
import json

import biom
import pandas
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from conftest import TAXA, call
from test_bge_extract import Extract

LINEAGE = "k__Bacteria|p__Firmicutes|c__Clostridia|o__Clostridiales|f__Ruminococcaceae"
SPECIES = [*LINEAGE.split("|"), "g__Ruminococcus", "s__Ruminococcus_bromii"]


def taxon(id, value, rank="species"):
    lineage = "|".join(SPECIES) if rank == "species" else LINEAGE
    return {
        "taxonomy": {"taxon_id": id, "taxon_name": lineage.split("|")[-1], "rank": rank, "lineage": lineage},
        "observation": {"value": value, "unit": "percent", "type": "relative abundance"},
    }


# Of four samples: twice the same species, nothing of one, a value that is not known, and only what is of another rank.
ANSWERS = [
    [taxon("txid9", 60, "family"), taxon("txid2", 40.5), taxon("txid3", 0), taxon("txid2", 2.5)],
    [taxon("txid3", 1e-7), taxon("txid2", None), taxon("txid4", 7)],
    [],
    [taxon("txid9", 5, "family")],
]
COMMON = ("get_taxon_abundance", "--samples", "ids.txt")


@pytest.fixture
def cohort(sandbox, tmp_path):
    extract = Extract(sandbox, tmp_path)
    extract.ids = sandbox.metagenomes(4)
    extract.samples(extract.ids)

    def answer(*without):
        sandbox.control("DELETE", "faults")
        for id, rows in zip(extract.ids, ANSWERS, strict=True):
            if id in without:
                fault = {"path": TAXA, "query": f"*{id}*", "count": 0, "kind": "code", "code": 41303}
                sandbox.control("POST", "faults", fault)
            for page, rows in (("page=1*", rows), ("", [])):
                body = json.dumps({"code": 0, "msg": "", "data": rows, "pagination": {"count": len(rows), "page": 1}})
                fault = {"path": TAXA, "query": f"*{id}*{page}", "count": 0, "kind": "not_json", "body": body}
                sandbox.control("POST", "faults", fault)

    extract.answer = answer
    answer()
    return extract


def dense(table):
    values = table.matrix_data.toarray().tolist()
    return {id: row for id, row in zip(table.ids("observation"), values, strict=True)}


def test_a_biom_file_has_what_was_answered(cohort):
    first, second, without, other = cohort.ids
    done = cohort.good(*COMMON, "--rank", "Species", "-o", "profile.biom")
    assert f"without any rows, and so not in the file (they are no samples of zeros): {without}\n" in done.stderr
    assert "1 values are not known" in done.stderr
    table = biom.load_table(cohort.folder / "profile.biom")
    assert table.type == "Taxon table" and table.generated_by.startswith("bge ")
    assert list(table.ids()) == [first, second, other]
    assert dense(table) == {"txid2": [43, 0, 0], "txid3": [0, 1e-7, 0], "txid4": [0, 7, 0]}
    about = table.metadata("txid4", "observation")
    assert dict(about) == {"taxonomy": SPECIES, "taxon_name": "s__Ruminococcus_bromii", "rank": "species"}
    # what the platform says of the samples
    listed = call(cohort.sandbox, "GET", "/samples", biosample_ids=",".join(cohort.ids))["result"]
    for sample in listed:
        if sample["biosample_id"] != without:
            about = table.metadata(sample["biosample_id"])
            assert about["sample_collection_time"] == sample["sample_collection_time"]
            assert about["biosample_site_display"] == sample["biosample_site"]["display"]
            assert about["statistics_base_pairs"] == sample["statistics"]["base_pairs"]
    # and of the table
    text = json.loads((cohort.folder / "profile.biom").read_text())
    assert text["unit"] == "percent" and text["format"] == "Biological Observation Matrix 1.0.0"
    assert text["source"] == {"call": "get_taxon_abundance", "arguments": {}}
    assert text["shape"] == [3, 3] and text["matrix_type"] == "sparse"
    assert sorted(map(tuple, text["data"])) == [(0, 0, 43.0), (1, 1, 1e-7), (2, 1, 7.0)]

    # without a rank all of them, and the lineage as far as it goes
    cohort.good(*COMMON, "-o", "all.biom")
    table = biom.load_table(cohort.folder / "all.biom")
    assert dense(table)["txid9"] == [60, 0, 5]
    assert table.metadata("txid9", "observation")["taxonomy"] == LINEAGE.split("|")


def test_the_same_bytes_at_the_same_time(cohort):
    for name in ("one", "other"):
        assert cohort(*COMMON, "-o", f"{name}.biom", SOURCE_DATE_EPOCH="1498867200").returncode == 0
    text = (cohort.folder / "one.biom").read_bytes()
    assert text == (cohort.folder / "other.biom").read_bytes() and b'"date":"2017-07-01T00:00:00"' in text


def test_a_matrix_has_features_in_rows_and_samples_in_columns(cohort):
    first, second, without, other = cohort.ids
    for ending in ("tsv", "csv", "parquet"):
        done = cohort.good(*COMMON, "--matrix", "--rank", "species", "-o", f"m.{ending}")
        assert f"without any rows, and so with null only: {without}\n" in done.stderr
        path = cohort.folder / f"m.{ending}"
        if ending == "parquet":
            frame = pandas.read_parquet(path).set_index("taxonomy_taxon_id")
        else:
            frame = pandas.read_csv(path, sep="\t" if ending == "tsv" else ",", index_col=0)
        assert frame.index.name == "taxonomy_taxon_id" and list(frame.columns) == cohort.ids
        told = {id: [None if pandas.isna(x) else x for x in row] for id, row in zip(frame.index, frame.values.tolist())}
        assert told == {"txid2": [43, None, None, 0], "txid3": [0, 1e-7, None, 0], "txid4": [0, 7, None, 0]}
    schema = pa.parquet.read_schema(cohort.folder / "m.parquet")
    assert schema.field(first).metadata[b"bge.unit"] == b"percent"
    assert schema.metadata[b"bge.endpoint"] == b"get_taxon_abundance"

    wide = (*COMMON, "--matrix", "--columns", "taxonomy_rank,taxonomy_lineage", "--csv-null", "NA")
    cohort.good(*wide, "-o", "w.tsv")
    with open(cohort.folder / "w.tsv", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert rows[0] == ["taxonomy_taxon_id", "taxonomy_rank", "taxonomy_lineage", *cohort.ids]
    assert rows[1] == ["txid9", "family", LINEAGE, "60.0", "0.0", "NA", "5.0"]
    cohort.good(*wide, "--csv-bom", "-o", "excel.tsv")
    assert (cohort.folder / "excel.tsv").read_bytes() == b"\xef\xbb\xbf" + (cohort.folder / "w.tsv").read_bytes()


@pytest.mark.parametrize("ending", ["biom", "tsv", "parquet"])
def test_missing_samples_are_named_and_complete_the_file_later(cohort, ending):
    matrix = [] if ending == "biom" else ["--matrix", "--columns", "taxonomy_rank"]
    first, second, without, other = cohort.ids
    cohort.good(*COMMON, *matrix, "-o", f"whole.{ending}")
    cohort.answer(second)
    assert cohort(*COMMON, *matrix, "-o", f"t.{ending}").returncode == 3
    assert (cohort.folder / f"t.{ending}.failed.txt").read_text().startswith(second)
    assert (cohort.folder / f"t.partial.{ending}").exists() and not (cohort.folder / f"t.{ending}").exists()
    cohort.answer()
    cohort.good(COMMON[0], "--samples", f"t.{ending}.failed.txt", *matrix, "-o", f"t.{ending}")
    assert not [name for name in cohort.files() if "partial" in name or "failed" in name]

    def read(name):
        path = cohort.folder / name
        if ending == "biom":
            return biom.load_table(path).to_dataframe(dense=True)
        if ending == "tsv":
            return pandas.read_csv(path, sep="\t", index_col=0).drop(columns="taxonomy_rank")
        return pandas.read_parquet(path).set_index("taxonomy_taxon_id").drop(columns="taxonomy_rank")

    whole, table = read(f"whole.{ending}"), read(f"t.{ending}")
    pandas.testing.assert_frame_equal(table.loc[whole.index, whole.columns], whole)
    if ending == "biom":
        told = lambda name: biom.load_table(cohort.folder / name).metadata("txid9", "observation")
        assert told("t.biom") == told("whole.biom")


@pytest.mark.parametrize(
    "name, arguments, id, kind",
    [
        ("get_taxon_abundance", {}, "taxonomy/taxon_id", "Taxon table"),
        ("get_func_abundance", {"catalog": "kegg-pwy"}, "coding/id", "Function table"),
        ("get_gene_abundance", {"catalog": "IGC_9.9M", "limit": 1000}, "igc_gene/igc_gene_id", "Gene table"),
    ],
)
def test_every_list_of_abundances_is_a_biom_file(extract, api, name, arguments, id, kind):
    ids = extract.sandbox.metagenomes(3)
    extract.samples(ids)
    typed = [word for item in arguments.items() for word in ("--arg", "=".join(map(str, item)))]
    extract.good(name, "--samples", "ids.txt", *typed, "-o", "t.biom")
    table = biom.load_table(extract.folder / "t.biom")
    assert table.type == kind and list(table.ids()) == ids
    wanted = {}
    for sample in ids:
        extra = {"data_type": "list"} if name == "get_gene_abundance" else {}
        for row in api.rows(name, biosample_id=sample, **arguments, **extra):
            feature = row
            for part in id.split("/"):
                feature = feature[part]
            wanted.setdefault(feature, dict.fromkeys(ids, 0))[sample] = row["observation"]["value"]
    assert dense(table) == {feature: list(values.values()) for feature, values in wanted.items()}


@pytest.fixture
def extract(sandbox, tmp_path):
    return Extract(sandbox, tmp_path)


def test_what_cannot_be(cohort):
    for wrong in (
        ("get_func_abundance", "--samples", "ids.txt", "--arg", "catalog=go", "--rank", "species", "-o", "t.biom"),
        (*COMMON, "--rank", "species", "-o", "t.csv"),
        (*COMMON, "--rank", "specie", "-o", "t.biom"),
        (*COMMON, "--columns", "taxonomy_rank", "-o", "t.biom"),
        (*COMMON, "--columns", "no_such_column", "--matrix", "-o", "t.tsv"),
        (*COMMON, "--matrix", "-o", "t.jsonl"),
        (*COMMON, "--matrix", "-o", "folder/"),
        ("get_variants", "--samples", "ids.txt", "--arg", "rsids=rs1", "-o", "t.biom"),
        ("get_variants", "--samples", "ids.txt", "--arg", "rsids=rs1", "--matrix", "-o", "t.tsv"),
        ("get_taxon_abundance", "--arg", f"biosample_id={cohort.ids[0]}", "-o", "t.biom"),
    ):
        done = cohort(*wrong)
        assert done.returncode == 65, (wrong, done.stderr)
    assert "there are family, species" in cohort(*COMMON, "--rank", "specie", "-o", "t.biom").stderr
    assert not (cohort.folder / "t.biom").exists()
    # a file is whole without what is only said of samples
    cohort.sandbox.control("POST", "faults", {"path": "/samples", "count": 0, "kind": "code", "code": 401})
    done = cohort.good(*COMMON, "-o", "t.biom")
    assert "nothing is said of the samples but their ids" in done.stderr
    assert biom.load_table(cohort.folder / "t.biom").metadata() is None


def test_files_say_what_they_are(extract, api):
    """Units and descriptions of columns, the call with its arguments, and the library."""
    extract.samples(extract.sandbox.metagenomes(3))
    common = ("get_taxon_abundance", "--samples", "ids.txt", "--arg", "limit=50")
    for shard in range(2):
        extract.good(*common, "--shard", f"{shard}/2", "-o", "set/")
    extract.good(*common, "-o", "t.parquet")
    extract.good(*common, "-o", "t.arrow")
    schemas = [pa.parquet.read_schema(path) for path in sorted((extract.folder / "set").glob("*.parquet"))]
    schemas.append(pa.parquet.read_schema(extract.folder / "t.parquet"))
    schemas.append(pa.ipc.open_file(extract.folder / "t.arrow").schema)
    declared = {column["name"]: column for column in api.columns("get_taxon_abundance")}
    for schema in schemas:
        about = {name.decode(): value.decode() for name, value in schema.metadata.items()}
        assert about["bge.endpoint"] == "get_taxon_abundance" and json.loads(about["bge.arguments"]) == {"limit": 50}
        assert about["bge.library"] == "0.1.0"
        for field in schema:
            if field.name != "extra":
                assert field.metadata[b"bge.description"].decode() == declared[field.name]["description"]
        assert schema.field("observation_value").metadata[b"bge.unit"] == b"percent"
        assert schema.field("taxonomy_rank").metadata[b"bge.description"] == b"rank of the taxon; ranks contain each other"
    # for programs that know nothing of Arrow, too
    plain = pa.parquet.ParquetFile(extract.folder / "t.parquet").metadata.metadata
    assert plain[b"bge.library"] == b"0.1.0" and plain[b"bge.endpoint"] == b"get_taxon_abundance"
    variants = {column["name"]: column["description"] for column in api.columns("get_variants")}
    assert variants["variant_position"] == "position on GRCh38, counted from 1 as in VCF and dbSNP"
