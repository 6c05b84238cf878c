//! Variants by rsID, and by region.

use std::io::{Cursor, Read};

use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::world::data::variants::{self, SITES};
use crate::world::samples::Sample;

/// So many rsIDs in one request.
const MOST_RSIDS: usize = 100;
/// So many regions in one request, and so many lines in a BED file.
const MOST_REGIONS: usize = 5_000;
const MOST_LINES: usize = 1_000_000;

pub fn list(call: &Call) -> Result<Data, Refusal> {
    call.need("biosample_id")?;
    call.need("rsids")?;
    let rsids = call.list("rsids")?.unwrap_or_default();
    if rsids.len() > MOST_RSIDS {
        return Err(Refusal::argument("rsids", "最多一次提供100个"));
    }
    if rsids.iter().any(|rsid| !is_rsid(rsid)) {
        return Err(Refusal::argument("rsids", "rs 编号格式错误"));
    }
    let sample = call.sample()?;
    let found = rsids.iter().map(|rsid| at(call, &sample, rsid)).collect();
    Ok(Data::Json(Value::Array(found)))
}

fn at(call: &Call, sample: &Sample, rsid: &str) -> Value {
    variants::at(call.world.seed, &sample.biosample_id, sample.has_genome(), rsid)
}

fn is_rsid(text: &str) -> bool {
    text.strip_prefix("rs")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// A stretch of a chromosome, 0-based and half open as in a BED file.
struct Region {
    chromosome: String,
    start: i64,
    end: i64,
}

pub fn professional(call: &Call) -> Result<Data, Refusal> {
    call.need("biosample_id")?;
    let only_variant_site = call.boolean("only_variant_site")?.unwrap_or(true);
    let regions = match (call.json("regions")?, call.zip("bed_file")?) {
        (Some(regions), None) => regions_of_json(&regions)?,
        (None, Some(file)) => {
            let content = file.content().ok_or_else(|| Refusal::argument("bed_file", "文件过大"))?;
            regions_of_zip(&content)?
        }
        _ => return Err(Refusal::argument("regions", "regions 与 bed_file 须且只能提供其中之一")),
    };
    let sample = call.sample()?;
    let inside = SITES.iter().filter(|site| {
        regions.iter().any(|region| {
            region.chromosome == site.chromosome && (region.start..region.end).contains(&(site.position - 1))
        })
    });
    let found = inside.map(|site| at(call, &sample, site.rsid));
    let result: Vec<_> = found
        .filter(|variant| {
            let alternates = variant["variant"]["alternate_base"].as_array();
            !only_variant_site || alternates.is_some_and(|bases| !bases.is_empty())
        })
        .collect();
    Ok(Data::Json(json!({
        "biosample_id": sample.biosample_id,
        "only_variant_site": only_variant_site,
        "region_count": regions.len(),
        "count": result.len(),
        "result": result,
    })))
}

fn bad_regions() -> Refusal {
    Refusal::argument("regions", "区域坐标格式错误")
}

/// Regions as `["chr15", 1, 2]`, `{"chromosome": "chr15", "start": 1, "end": 2}` or `"chr15:1-2"`.
fn regions_of_json(regions: &Value) -> Result<Vec<Region>, Refusal> {
    let regions = regions.as_array().ok_or_else(bad_regions)?;
    if regions.is_empty() || regions.len() > MOST_REGIONS {
        return Err(Refusal::argument("regions", "数组长度应为 1 至 5000"));
    }
    regions.iter().map(|region| region_of_json(region).ok_or_else(bad_regions)).collect()
}

fn region_of_json(region: &Value) -> Option<Region> {
    let (chromosome, start, end) = match region {
        Value::Array(parts) => {
            (parts.first()?.as_str()?.to_owned(), parts.get(1)?.as_i64()?, parts.get(2)?.as_i64()?)
        }
        Value::Object(parts) => (
            parts.get("chromosome")?.as_str()?.to_owned(),
            parts.get("start")?.as_i64()?,
            parts.get("end")?.as_i64()?,
        ),
        Value::String(text) => {
            let (chromosome, range) = text.split_once(':')?;
            let (start, end) = range.split_once('-')?;
            (chromosome.to_owned(), start.parse().ok()?, end.parse().ok()?)
        }
        _ => return None,
    };
    (start >= 0 && start <= end).then_some(Region { chromosome, start, end })
}

fn regions_of_zip(content: &[u8]) -> Result<Vec<Region>, Refusal> {
    let bad = |_| Refusal::argument("bed_file", "文件须为 zip 压缩文件");
    let mut archive = zip::ZipArchive::new(Cursor::new(content)).map_err(bad)?;
    let mut text = String::new();
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(bad)?;
        // A BED line is far shorter than this on average: what is longer has too many of them.
        let read = file.take(64 * MOST_LINES as u64).read_to_string(&mut text);
        read.map_err(|_| Refusal::argument("bed_file", "文件内容错误"))?;
    }
    let mut regions = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() || ["#", "track", "browser"].iter().any(|word| line.starts_with(word)) {
            continue;
        }
        let mut columns = line.split('\t');
        let region = (|| {
            let chromosome = columns.next()?.to_owned();
            let (start, end) = (columns.next()?.trim().parse().ok()?, columns.next()?.trim().parse().ok()?);
            Some(Region { chromosome, start, end })
        })();
        regions.push(region.ok_or_else(|| Refusal::argument("bed_file", "文件内容错误"))?);
    }
    if regions.is_empty() || regions.len() > MOST_LINES {
        return Err(Refusal::argument("bed_file", "内容应为 1 至 100w 行"));
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn rsids() {
        assert!(is_rsid("rs762551"));
        for wrong in ["333", "srs3", "rs", "rs3 ", "RS3", "rs３"] {
            assert!(!is_rsid(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_three_spellings_of_a_region() {
        let regions = json!([["chr1", 1, 2], {"chromosome": "chr1", "start": 1, "end": 2}, "chr1:1-2"]);
        let regions = regions_of_json(&regions).unwrap();
        assert!(regions.iter().all(|r| (r.chromosome.as_str(), r.start, r.end) == ("chr1", 1, 2)));
        assert_eq!(regions.len(), 3);
        assert!(regions_of_json(&json!([["chr1", 2, 1]])).is_err());
        assert!(regions_of_json(&json!([])).is_err());
    }

    #[test]
    fn a_bed_file_in_a_zip() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("a.bed", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"track name=x\nchr15\t74749575\t74749576\tCYP1A2\n\nchr1\t5\t9\n").unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        assert_eq!(regions_of_zip(&bytes).unwrap().len(), 2);
        assert!(regions_of_zip(b"not a zip").is_err());
    }
}
