//! A genome's variants as a compressed VCF file, and its index.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use noodles_bgzf as bgzf;
use noodles_core::Position;
use noodles_csi::binning_index::index::header::Builder;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_tabix as tabix;
use rand::RngExt;
use serde_json::Value;

use super::genome::{CONTIGS, bases, contig, other_base};
use super::seed::generator;
use super::variants::{self, SITES};

/// Sites that nobody studies, around each one that is studied, and how far from it they are at most.
const AROUND: usize = 40;
const REACH: usize = 20_000;

pub struct Variants {
    pub file: Vec<u8>,
    pub index: Vec<u8>,
}

/// A line without its place.
struct Line {
    id: String,
    reference: String,
    alternate: String,
    quality: f64,
    depth: i64,
    /// `GT:AD:DP:GQ:PL`.
    call: String,
}

pub fn of(seed: u64, biosample_id: &str) -> io::Result<Variants> {
    let mut writer = bgzf::io::Writer::new(Vec::new());
    writer.write_all(header(biosample_id).as_bytes())?;
    let mut indexer = tabix::index::Indexer::default();
    indexer.set_header(Builder::vcf().build());
    for ((contig, position), line) in lines(seed, biosample_id) {
        let (name, Line { id, reference, alternate, quality, depth, call }) = (CONTIGS[contig].0, line);
        let from = writer.virtual_position();
        writeln!(
            writer,
            "{name}\t{position}\t{id}\t{reference}\t{alternate}\t{quality:.2}\tPASS\tDP={depth}\tGT:AD:DP:GQ:PL\t{call}"
        )?;
        let start = Position::try_from(position).map_err(io::Error::other)?;
        let end = Position::try_from(position + reference.len() - 1).map_err(io::Error::other)?;
        indexer.add_record(name, start, end, Chunk::new(from, writer.virtual_position()))?;
    }
    let mut index = tabix::io::Writer::new(Vec::new());
    index.write_index(&indexer.build())?;
    Ok(Variants { file: writer.finish()?, index: index.into_inner().finish()? })
}

fn header(biosample_id: &str) -> String {
    let mut text = String::from("##fileformat=VCFv4.2\n##source=bge-sandbox\n##reference=GRCh38\n");
    for (name, length) in CONTIGS {
        let _ = writeln!(text, "##contig=<ID={name},length={length}>");
    }
    text.push_str(
        "##FILTER=<ID=PASS,Description=\"All filters passed\">\n\
         ##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n\
         ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
         ##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Depth of each allele\">\n\
         ##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n\
         ##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Quality of the genotype\">\n\
         ##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"Likelihoods of the genotypes\">\n",
    );
    let _ = writeln!(text, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{biosample_id}");
    text
}

/// All lines by their places: the studied sites, called as the variants of the platform are, and what is around them.
fn lines(seed: u64, biosample_id: &str) -> BTreeMap<(usize, usize), Line> {
    let mut lines = BTreeMap::new();
    for site in &SITES {
        let Some(contig) = contig(site.chromosome) else { continue };
        let mut rng = generator(seed, &["background", site.rsid]);
        let from = (site.position as usize).saturating_sub(REACH).max(1);
        let window = bases(seed, contig, from, 2 * REACH);
        let mut genotypes = generator(seed, &["background", site.rsid, biosample_id]);
        for _ in 0..AROUND {
            let at = rng.random_range(0..window.len());
            let alternate = other_base(&mut rng, window[at]);
            let frequency = rng.random_range(0.05..0.6);
            let alleles =
                i64::from(genotypes.random_bool(frequency)) + i64::from(genotypes.random_bool(frequency));
            let depth = genotypes.random_range(24..70);
            if alleles > 0 {
                let line = background(window[at], alternate, alleles, depth);
                lines.insert((contig, from + at), line);
            }
        }
    }
    for site in &SITES {
        if let Some(contig) = contig(site.chromosome) {
            let called = variants::at(seed, biosample_id, true, site.rsid);
            let place = (contig, site.position as usize);
            // Nothing else lies within a site.
            lines.retain(|(other, at), _| {
                (*other, true) != (contig, (place.1..place.1 + site.reference.len()).contains(at))
            });
            lines.insert(place, studied(site, &called["variant"]));
        }
    }
    lines
}

fn background(reference: u8, alternate: u8, alleles: i64, depth: i64) -> Line {
    let (genotype, with, likelihoods) = match alleles {
        1 => ("0/1", depth / 2, format!("{},0,{}", depth * 15, depth * 14)),
        _ => ("1/1", depth, format!("{},{},0", depth * 31, depth * 3)),
    };
    Line {
        id: ".".into(),
        reference: char::from(reference).into(),
        alternate: char::from(alternate).into(),
        quality: depth as f64 * 21.5,
        depth,
        call: format!("{genotype}:{},{with}:{depth}:99:{likelihoods}", depth - with),
    }
}

fn studied(site: &variants::Site, variant: &Value) -> Line {
    let call = &variant["call"];
    let called = match (call["GT"].as_str(), call["AD"].as_array(), call["PL"].as_str()) {
        (Some(genotype), Some(depths), Some(likelihoods)) => {
            let depths: Vec<_> = depths.iter().map(Value::to_string).collect();
            format!("{genotype}:{}:{}:{}:{likelihoods}", depths.join(","), call["DP"], call["GQ"])
        }
        _ => "./.:.:.:.:.".into(),
    };
    Line {
        id: site.rsid.into(),
        reference: site.reference.into(),
        alternate: site.alternate.into(),
        quality: variant["information"]["site_quality"].as_f64().unwrap_or_default(),
        depth: call["DP"].as_i64().unwrap_or_default(),
        call: called,
    }
}
