"""VCF and BCF files of a cohort, as bcftools reads them. What is expected was worked out by hand."""
import json
import pathlib
import random
import re
import subprocess
import time
import urllib.request

import pytest
from conftest import LONG, call
from test_bge_extract import Extract

VARIANTS = "/variants"
QUERY = "%CHROM:%POS %ID %REF %ALT %QUAL AN=%AN AC=%AC AF=%AF[ %GT:%DP:%GQ:%AD:%PL:%FT]\n"
FORMATS = ("vcf", "vcf.gz", "bcf")


def variant(place, reference, alternates, gt, dp=None, gq=None, ad=None, pl=None, quality=None):
    chromosome, position = place.split(":")
    return {
        "chromosome": chromosome, "position": int(position), "type": "snp", "genotype": None,
        "reference_base": reference, "alternate_base": alternates,
        "call": {"GT": gt, "DP": dp, "GQ": gq, "AD": ad, "PL": pl},
        "information": {"AN": 2, "DP": dp, "site_quality": quality, "frequency": {}},
    }


def row(ids, variant=None, assayed=True, no_call=False):
    ids = [ids] if isinstance(ids, str) else ids
    return {
        "alternate_id": ids, "is_assayed": assayed, "is_no_call": no_call, "coordinate_system": 0, "variant": variant,
        "source": {"tag": {"assembly_synonym": "GRCh38", "dbSNP_build": 151}},
    }


def not_assayed(ids):
    return row(ids, assayed=False)


def no_call(ids):
    return row(ids, no_call=True)


ANSWERS = {
    "E-B1": [
        row("rs1", variant("chr1:100", "C", ["A"], "0/1", 91, 99, [44, 47], "1384,0,1364", 1355.77)),
        row("rs2", variant("chr1:200", "G", [], "0/0", 20, 60, [20, 0], "0,60,600", 31)),
        row("rs3", variant("chr1:300", "CA", ["C"], "0/1", 22, 50, [10, 12], "300,0,200")),
        not_assayed("rs4"),
        row("rs5", variant("chr2:500", "A", ["G"], "0/1", 30)),
        row("rs6", variant("chr2:500", "A", ["G"], "0/1", 30)),
        row("rs7", variant("chrX:700000", "T", [], "0", 8, 40, [8, 0], "0,240")),
        row("rs7", variant("chr10:701", "A", ["G"], "1/1", 12)),
        row("rs8", variant("MT:73", "A", ["G"], "1", 900)),
    ],
    "E-B2": [
        row("rs1", variant("chr1:100", "C", ["T"], "1/1", 30, 80, [0, 30], "900,90,0", 900)),
        not_assayed("rs2"),
        row("rs3", variant("chr1:300", "CAA", ["C", "CA"], "1|2", 42, 70, [1, 20, 21], "500,400,300,200,0,100")),
        not_assayed("rs4"),
        row("rs5", variant("chr2:500", "A", ["G"], "1/1", 25)),
        not_assayed("rs6"),
        not_assayed("rs7"),
        no_call("rs8"),
    ],
    "E-B3": [],
    "E-B4": [
        row(["rs1", "rs100"], variant("chr1:100", "C", [], "0/0", 35, 99, [35, 0], "0,105,1085", 50.5)),
        no_call("rs2"),
        row("rs3", variant("chr1:300", "CA", ["C"], "./1", 9)),
        no_call("rs4"),
        no_call("rs5"),
        no_call("rs6"),
        row("rs7", variant("chrX:700000", "T", ["C"], "1", 9, 45, [0, 9], "300,0")),
        row("rs8", variant("MT:73", "A", ["G", "T"], "0", 800, 99, [799, 1, 0], "0,2000,3000")),
    ],
}
RSIDS = [f"rs{number}" for number in range(1, 9)]
LINES = """\
chr1:100 rs1;rs100 C A,T 1355.77 AN=6 AC=1,2 AF=0.166667,0.333333 \
0/1:91:99:44,47,.:1384,0,1364,.,.,.:PASS 2/2:30:80:0,.,30:900,.,.,90,.,0:PASS \
./.:.:.:.:.:NO_DATA 0/0:35:99:35,.,.:0,.,.,.,.,.:PASS
chr1:200 rs2 G . 31 AN=2 AC=. AF=. 0/0:20:60:20:0:PASS ./.:.:.:.:.:NOT_ASSAYED ./.:.:.:.:.:NO_DATA ./.:.:.:.:.:.
chr1:300 rs3 CAA CA,C . AN=5 AC=3,1 AF=0.6,0.2 \
0/1:22:50:10,12,.:300,0,200,.,.,.:PASS 2|1:42:70:1,21,20:500,200,100,400,0,300:PASS \
./.:.:.:.:.:NO_DATA ./1:9:.:.:.:PASS
chr2:500 rs5;rs6 A G . AN=4 AC=3 AF=0.75 0/1:30:.:.:.:PASS 1/1:25:.:.:.:PASS ./.:.:.:.:.:NO_DATA ./.:.:.:.:.:.
chr10:701 rs7 A G . AN=2 AC=2 AF=1 1/1:12:.:.:.:PASS ./.:.:.:.:.:NOT_ASSAYED ./.:.:.:.:.:NO_DATA ./.:.:.:.:.:NO_DATA
chrX:700000 rs7 T C . AN=2 AC=1 AF=0.5 0:8:40:8,.:0,.:PASS ./.:.:.:.:.:NOT_ASSAYED ./.:.:.:.:.:NO_DATA 1:9:45:0,9:300,0:PASS
chrM:73 rs8 A G . AN=2 AC=1 AF=0.5 1:900:.:.:.:PASS ./.:.:.:.:.:. ./.:.:.:.:.:NO_DATA 0:800:99:799,1:0,2000:PASS
"""


def run(*words, cwd=None):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def query(path, *words):
    done = subprocess.run(["bcftools", "query", "-f", QUERY, *words, path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), "no word of an old index, or of anything that is not declared"
    return done.stdout


def answer(sandbox, rows, **which):
    body = json.dumps({"code": 0, "msg": "", "data": rows})
    fault = {"path": VARIANTS, "count": 0, "kind": "status", "status": 200, "content_type": "application/json"}
    sandbox.control("POST", "faults", dict(fault, body=body, **which))


@pytest.fixture
def extract(start, tmp_path):
    return Extract(start("--samples", "12"), tmp_path)


@pytest.fixture
def cohort(extract):
    for sample, rows in ANSWERS.items():
        answer(extract.sandbox, rows, query=f"*biosample_id={sample}*")
    extract.samples(ANSWERS)
    (extract.folder / "rsids.txt").write_text("# a panel\n" + "\n".join(RSIDS) + " # the last one\n\nrs1\n")
    return extract


COMMON = ("get_variants", "--samples", "ids.txt", "--rsids", "rsids.txt")


def test_the_documents_example_is_the_line_that_dbsnp_has(extract):
    example = json.loads(
        """{"source": {"tag": {"assembly_synonym": "GRCh38", "dbSNP_build": 151}}, "is_assayed": true, "variant":
        {"call": {"DP": 91, "PL": "1384,0,1364", "AD": [44, 47], "GQ": 99, "GT": "0/1"}, "chromosome": "chr15",
         "information": {"AN": 2, "site_quality": 1355.77, "DP": 91}, "type": "snp", "genotype": "C/A",
         "reference_base": "C", "position": 74749576, "alternate_base": ["A"]},
        "is_genotyped": true, "batch_no": 0, "alternate_id": ["rs762551"], "coordinate_system": 0, "is_no_call": false}"""
    )
    answer(extract.sandbox, [example])
    extract.samples(["E-B12345678901"])
    extract.good("get_variants", "--samples", "ids.txt", "--arg", "rsids=rs762551", "-o", "one.vcf")
    text = (extract.folder / "one.vcf").read_text()
    assert text.splitlines()[-1] == "\t".join([
        "chr15", "74749576", "rs762551", "C", "A", "1355.77", ".", "AN=2;AC=1;AF=0.5", "GT:DP:GQ:AD:PL",
        "0/1:91:99:44,47:1384,0,1364",
    ])
    assert text.startswith("##fileformat=VCFv4.3\n") and "\n##source=bge 0.1.0\n" in text
    contigs = dict(re.findall(r"^##contig=<ID=(\w+),length=(\d+)", text, re.M))
    assert list(contigs) == [f"chr{name}" for name in [*range(1, 23), "X", "Y", "M"]]
    # as in the headers of other people's files on GRCh38
    assert contigs["chr1"] == "248956422" and contigs["chr15"] == "101991189" and contigs["chrM"] == "16569"


@pytest.mark.parametrize("ending", FORMATS)
def test_a_cohort_is_one_file_that_bcftools_reads(cohort, ending):
    done = cohort.good(*COMMON, "-o", f"cohort.{ending}")
    assert "without a place in any sample, and so without a line in the file: rs4\n" in done.stderr
    assert "without any rows, and so with NO_DATA only: E-B3\n" in done.stderr
    path = cohort.folder / f"cohort.{ending}"
    assert query(path) == LINES
    assert run("bcftools", "query", "-l", path).split() == list(ANSWERS)
    indexes = {"vcf.gz": ["cohort.vcf.gz.tbi"], "bcf": ["cohort.bcf.csi"], "vcf": []}[ending]
    beside = [f"cohort.{ending}.empty.txt", "ids.txt", "rsids.txt"]
    assert cohort.files() == sorted([path.name, *indexes, *beside])
    # what bcftools makes of it is the same, and it finds nothing to warn of
    for kind in "zb":
        again = cohort.folder / f"again.{kind}"
        checked = subprocess.run(
            ["bcftools", "view", f"-O{kind}", "-o", again, path], capture_output=True, text=True, timeout=60
        )
        assert (checked.returncode, checked.stderr) == (0, "")
        assert query(again) == LINES
    # bcftools counts the same alleles
    filled = run("bcftools", "view", "--trim-alt-alleles", path, "-Ov")
    assert re.findall(r"AC=([\d,]+)", filled) == ["1,2", "3,1", "3", "2", "1", "1"]
    for sample in ANSWERS:
        assert len(run("bcftools", "view", "-H", "-s", sample, path).splitlines()) == 7


@pytest.mark.parametrize("ending", ["vcf.gz", "bcf"])
def test_places_are_found_by_the_index(cohort, ending):
    cohort.good(*COMMON, "-o", f"cohort.{ending}")
    path = cohort.folder / f"cohort.{ending}"
    stats = run("bcftools", "index", "--stats", path).splitlines()
    counts = {line.split("\t")[0]: line.split("\t")[2] for line in stats}
    assert counts == {"chr1": "3", "chr2": "1", "chr10": "1", "chrX": "1", "chrM": "1"}
    lines = LINES.splitlines(keepends=True)
    for line in lines:
        place = line.split()[0]
        chromosome, position = place.split(":")
        assert query(path, "-r", place) == line
        assert query(path, "-r", f"{chromosome}:{int(position) + 10}-{int(position) + 20}") == ""
    # by the end of what is deleted, and across places
    assert query(path, "-r", "chr1:302") == lines[2]
    assert query(path, "-r", "chr1:150-300,chrX") == lines[1] + lines[2] + lines[5]
    # the index that bcftools makes finds the same
    run("bcftools", "index", "-f", *(["-t"] if ending == "vcf.gz" else ["-c"]), path)
    assert run("bcftools", "index", "--stats", path).splitlines() == stats


def test_references_are_those_of_the_genome(cohort):
    """bcftools norm compares each REF with a genome, which has the bases of the platform's answers."""
    cohort.good(*COMMON, "-o", "cohort.vcf.gz")
    genome = {}
    for answers in ANSWERS.values():
        for known in (answer["variant"] for answer in answers if answer["variant"]):
            contig = known["chromosome"].replace("MT", "chrM")
            for offset, base in enumerate(known["reference_base"]):
                genome.setdefault(contig, {})[known["position"] - 1 + offset] = base
    with open(cohort.folder / "genome.fa", "w") as file:
        for contig, bases in genome.items():
            text = bytearray(b"G" * (max(bases) + 20))
            for position, base in bases.items():
                text[position] = ord(base)
            file.write(f">{contig}\n{text.decode()}\n")
    command = ["bcftools", "norm", "--check-ref", "e", "-f", "genome.fa", "-Ov", "cohort.vcf.gz"]
    done = subprocess.run(command, cwd=cohort.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "total/split/realigned/skipped:\t7/0/0/0" in done.stderr


def test_missing_samples_are_named_and_complete_the_file_later(cohort):
    for ending in FORMATS:
        sandbox, name = cohort.sandbox, f"cohort.{ending}"
        cohort.good(*COMMON, "-o", f"whole.{ending}")
        sandbox.control("DELETE", "faults")
        refused = {"query": "*biosample_id=E-B2*", "kind": "code", "code": 41303, "count": 0}
        sandbox.control("POST", "faults", refused)
        for sample, rows in ANSWERS.items():
            answer(sandbox, rows, query=f"*biosample_id={sample}*")
        done = cohort(*COMMON, "-o", name)
        assert done.returncode == 3 and "E-B2 is missing" in done.stderr
        partial = cohort.folder / f"cohort.partial.{ending}"
        assert not (cohort.folder / name).exists()
        assert run("bcftools", "query", "-l", partial).split() == ["E-B1", "E-B3", "E-B4"]
        if ending != "vcf":
            assert query(partial, "-r", "chrX:700000").startswith("chrX:700000 rs7 T C")
        assert (cohort.folder / f"{name}.failed.txt").read_text().startswith("E-B2  # ")
        sandbox.control("DELETE", "faults")
        for sample, rows in ANSWERS.items():
            answer(sandbox, rows, query=f"*biosample_id={sample}*")
        cohort.good("get_variants", "--samples", f"{name}.failed.txt", "--rsids", "rsids.txt", "-o", name)
        assert not [file for file in cohort.files() if "partial" in file or "failed" in file]
        # the same lines as in one go; the order of samples, and so that of alternates, is another one
        for sample in ANSWERS:
            bases = "%CHROM:%POS %ID %REF %QUAL %AN[ %TGT:%DP:%GQ:%FT]\n"
            told = lambda path: run("bcftools", "query", "-f", bases, "-s", sample, cohort.folder / path)
            assert told(name) == told(f"whole.{ending}")
        # what is known of rsIDs without a place, too
        header = lambda path: run("bcftools", "view", "-h", cohort.folder / path)
        wanted = '##bge_without_place=<ID=rs4,not_assayed="{}",no_call="E-B4">'
        assert wanted.format("E-B1,E-B2") in header(f"whole.{ending}")
        assert wanted.format("E-B1,E-B2") in header(name)


def test_what_a_file_of_variants_cannot_be_made_of(cohort):
    for wrong in (
        ("get_taxon_abundance", "--samples", "ids.txt", "-o", "t.vcf"),
        (*COMMON, "--columns", "variant_id", "-o", "t.vcf.gz"),
        ("get_variants", "--arg", "biosample_id=E-B1", "--rsids", "rsids.txt", "-o", "t.bcf"),
        (*COMMON, "--arg", "rsids=rs1", "-o", "t.vcf"),
        (*COMMON, "--matrix", "-o", "t.vcf"),
        ("get_variants", "--samples", "ids.txt", "--rsids", "ids.txt", "-o", "t.vcf"),
        ("get_taxon_abundance", "--samples", "ids.txt", "--rsids", "rsids.txt", "-o", "t.csv"),
    ):
        done = cohort(*wrong)
        assert done.returncode == 65, (wrong, done.stderr)
        told = cohort(*wrong, "--lang", "zh")
        assert told.returncode == 65 and told.stderr != done.stderr, wrong
    answers = [dict(ANSWERS["E-B1"][0], source={"tag": {"assembly_synonym": "GRCh37"}})]
    cohort.sandbox.control("DELETE", "faults")
    answer(cohort.sandbox, answers)
    done = cohort(*COMMON, "-o", "t.vcf")
    assert done.returncode == 65 and "GRCh37" in done.stderr
    assert cohort.files() == ["ids.txt", "rsids.txt"]


def test_genotypes_are_those_of_the_samples_own_files(start, tmp_path):
    """The platform has a VCF file of each genome; bcftools reads the same in it as in the cohort's."""
    sandbox = start("--samples", "80")
    extract = Extract(sandbox, tmp_path)

    def download(sample, ending):
        files = call(sandbox, "GET", f"/samples/{sample}", require_files="True")["files"]
        (name,) = [file["object_name"] for file in files if file["object_name"].endswith(ending)]
        with urllib.request.urlopen(call(sandbox, "POST", "/oss/sign_url", object_name=name)["url"]) as content:
            return content.read()

    genomes = [sample["biosample_id"] for sample in call(sandbox, "GET", "/samples", omics=1, limit=50)["result"]]
    extract.samples(genomes)
    sites = download(genomes[0], ".sites.vcf").decode()
    rsids = [line.split("\t")[2] for line in sites.splitlines() if not line.startswith("#")]
    assert len(rsids) == 48
    (extract.folder / "rsids.txt").write_text("\n".join(rsids))
    extract.good(*COMMON, "-o", "cohort.vcf.gz")
    cohort = extract.folder / "cohort.vcf.gz"
    # of some genomes, no-calls and the deletion of rs333 among them
    kinds = {"./.": [], "TACA": [], "": []}
    for line in run("bcftools", "query", "-f", "[%SAMPLE %TGT\n]", cohort).splitlines():
        sample, genotype = line.split()
        for kind, chosen in kinds.items():
            if kind in genotype.split("/") or genotype == kind or not kind:
                chosen.append(sample)
    chosen = {sample for samples in kinds.values() for sample in list(dict.fromkeys(samples))[:3]}
    assert kinds["./."] and kinds["TACA"] and len(chosen) > 3
    said = "%CHROM %POS %ID %REF[ %TGT %DP %GQ]\n"
    for genome in chosen:
        own = extract.folder / "own.vcf.gz"
        own.write_bytes(download(genome, ".vcf.gz"))
        lines = run("bcftools", "query", "-f", said, "-i", 'ID!="."', own)
        assert run("bcftools", "query", "-f", said, "-s", genome, cohort) == lines


def peak_of(process):
    """The most memory that a process held until its end, in bytes; what wait4 says begins with its parent's."""
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.02)
    process.wait()
    return peak


def test_memory_is_bounded(start, tmp_path):
    """In the long run four million calls, of some 400 bytes each as JSON, in less than half a gigabyte."""
    count = 2000 if LONG else 200
    extract = Extract(start("--samples", "2"), tmp_path)
    sandbox, rng = extract.sandbox, random.Random(3)
    (tmp_path / "rsids.txt").write_text("\n".join(f"rs{number}" for number in range(1, count + 1)))
    # every sample has the same answers: one for each piece in which the rsIDs are asked for
    answer(sandbox, [])
    extract.samples(["E-B00000000001"])
    extract.good(*COMMON, "-o", "pieces.csv")
    pieces = [entry["query"]["rsids"].split(",") for entry in sandbox.control("GET", "log")["requests"]]
    sandbox.control("DELETE", "faults")
    sandbox.control("POST", "options", {"log": "off"})
    for piece in pieces:
        rows = []
        for rsid in piece:
            place = f"chr{rng.randint(1, 22)}:{1000 * int(rsid[2:])}"
            call = variant(place, "C", ["A"], "0/1", 91, 99, [44, 47], "1384,0,1364", 1355.77)
            rows.append(row(rsid, call))
        answer(sandbox, rows, query=f"*rsids={piece[0]}%2C*")
    extract.samples([f"E-B{number:011}" for number in range(count)])
    process = extract.start(*COMMON, "--quiet", "-o", "cohort.vcf.gz")
    peak = peak_of(process)
    assert process.returncode == 0
    assert 1 << 20 < peak < 512 << 20
    path = tmp_path / "cohort.vcf.gz"
    assert run("bcftools", "index", "--nrecords", path).strip() == str(count)
    assert len(run("bcftools", "query", "-l", path).split()) == count
    assert set(run("bcftools", "query", "-f", "%AN %AC\n", path).splitlines()) == {f"{2 * count} {count}"}
