//! Lines as a file: text, compressed text with a .tbi index, or BCF with a .csi index.

use std::{io, path::Path};

use noodles_bcf as bcf;
use noodles_bgzf as bgzf;
use noodles_core::Position;
use noodles_csi::{
    self as csi,
    binning_index::{
        self,
        index::{
            header::Builder,
            reference_sequence::{bin::Chunk, index::BinnedIndex},
        },
    },
};
use noodles_tabix as tabix;
use noodles_vcf::{
    self as vcf,
    variant::{
        RecordBuf,
        io::Write as _,
        record::samples::series::value::genotype::Phasing,
        record_buf::{
            AlternateBases, Samples, info,
            samples::{
                Keys,
                sample::{
                    Value,
                    value::{Array, Genotype as Alleles, genotype::Allele},
                },
            },
        },
    },
};

use super::{
    contigs::Contigs,
    row::{Genotype, State},
    site::{Cell, Line},
};
use crate::{
    extract::{
        options::Format,
        output::{Index, Sink, unread},
    },
    failure::Failure,
    lang::say,
};

/// What FT says of samples that were not looked at, and of those that the platform has no row of.
pub const NOT_ASSAYED: &str = "NOT_ASSAYED";
pub const NO_DATA: &str = "NO_DATA";
const PASS: &str = "PASS";

/// The header, with the samples' names; `more` are lines of our own.
pub fn header(contigs: &Contigs, names: &[String], more: &[String]) -> io::Result<vcf::Header> {
    let mut text = format!(
        "##fileformat=VCFv4.3\n\
         ##source=bge {}\n\
         ##reference=GRCh38\n\
         ##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Called alleles of the samples that are this alternate\">\n\
         ##INFO=<ID=AF,Number=A,Type=Float,Description=\"AC by AN\">\n\
         ##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles of the samples\">\n\
         ##FILTER=<ID=PASS,Description=\"All filters passed\">\n\
         ##FILTER=<ID={NOT_ASSAYED},Description=\"Of FT: the site was not assayed in this sample\">\n\
         ##FILTER=<ID={NO_DATA},Description=\"Of FT: the platform says nothing of this sample at this site\">\n\
         ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
         ##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Reads\">\n\
         ##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Quality of the genotype\">\n\
         ##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Reads of each allele\">\n\
         ##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"Likelihoods of the genotypes, Phred-scaled\">\n\
         ##FORMAT=<ID=FT,Number=1,Type=String,Description=\"PASS for a called sample; {NOT_ASSAYED}, {NO_DATA}\">\n",
        env!("CARGO_PKG_VERSION")
    );
    for (name, length) in contigs.all() {
        let length = length.map_or(String::new(), |length| format!(",length={length},assembly=GRCh38"));
        text.push_str(&format!("##contig=<ID={name}{length}>\n"));
    }
    for line in more {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
    for name in names {
        text.push('\t');
        text.push_str(name);
    }
    text.push('\n');
    text.parse().map_err(io::Error::other)
}

/// A file that is being written.
pub enum Writer {
    Text(vcf::io::Writer<Sink>),
    Zipped(vcf::io::Writer<bgzf::io::Writer<Sink>>, tabix::index::Indexer),
    Binary(bcf::io::Writer<bgzf::io::Writer<Sink>>, binning_index::Indexer<BinnedIndex>),
}

impl Writer {
    pub fn begin(sink: Sink, format: Format, header: &vcf::Header) -> io::Result<Self> {
        let mut writer = match format {
            Format::VcfGz => {
                let mut indexer = tabix::index::Indexer::default();
                indexer.set_header(Builder::vcf().build());
                Writer::Zipped(vcf::io::Writer::new(bgzf::io::Writer::new(sink)), indexer)
            }
            Format::Bcf => Writer::Binary(bcf::io::Writer::new(sink), binning_index::Indexer::default()),
            _ => Writer::Text(vcf::io::Writer::new(sink)),
        };
        match &mut writer {
            Writer::Text(writer) => writer.write_header(header)?,
            Writer::Zipped(writer, _) => writer.write_header(header)?,
            Writer::Binary(writer, _) => writer.write_header(header)?,
        }
        Ok(writer)
    }

    /// Adds a line at a place that is not before the last one's.
    pub fn add(
        &mut self,
        header: &vcf::Header,
        contig: u16,
        name: &str,
        position: u32,
        line: &Line,
    ) -> io::Result<()> {
        let start = Position::try_from(position as usize).map_err(io::Error::other)?;
        let end =
            Position::try_from(position as usize + line.reference.len() - 1).map_err(io::Error::other)?;
        let record = record(header, name, start, line)?;
        match self {
            Writer::Text(writer) => writer.write_variant_record(header, &record),
            Writer::Zipped(writer, indexer) => {
                let from = writer.get_ref().virtual_position();
                writer.write_variant_record(header, &record)?;
                indexer.add_record(name, start, end, Chunk::new(from, writer.get_ref().virtual_position()))
            }
            Writer::Binary(writer, indexer) => {
                check_ploidy(line)?;
                let from = writer.get_ref().virtual_position();
                writer.write_variant_record(header, &record)?;
                let chunk = Chunk::new(from, writer.get_ref().virtual_position());
                indexer.add_record(Some((usize::from(contig), start, end, true)), chunk)
            }
        }
    }

    /// Ends the file, and gives its index.
    pub fn finish(self, header: &vcf::Header) -> io::Result<(Sink, Option<Index>)> {
        match self {
            Writer::Text(writer) => Ok((writer.into_inner(), None)),
            Writer::Zipped(writer, indexer) => {
                let mut index = tabix::io::Writer::new(Vec::new());
                index.write_index(&indexer.build())?;
                let bytes = index.into_inner().finish()?;
                Ok((writer.into_inner().finish()?, Some(Index { ending: ".tbi", bytes })))
            }
            Writer::Binary(writer, indexer) => {
                let mut index = csi::io::Writer::new(Vec::new());
                index.write_index(&indexer.build(header.contigs().len()))?;
                let bytes = index.into_inner().finish()?;
                Ok((writer.into_inner().finish()?, Some(Index { ending: ".csi", bytes })))
            }
        }
    }
}

/// More alleles than two beside fewer would be written wrongly as BCF.
fn check_ploidy(line: &Line) -> io::Result<()> {
    if line.cells.values().all(|cell| cell.genotype.alleles.len() <= 2) {
        return Ok(());
    }
    let (en, zh) = (
        "there are genotypes of more than two alleles: write a .vcf.gz instead",
        "有超过两个等位基因的基因型：请改写 .vcf.gz",
    );
    Err(io::Error::other(say(en, zh)))
}

fn record(header: &vcf::Header, name: &str, start: Position, line: &Line) -> io::Result<RecordBuf> {
    let samples = header.sample_names().len();
    let is_said = |cell: Option<&Cell>| cell.is_some_and(|cell| cell.state != State::NotAssayed);
    let sample = |place: usize| u32::try_from(place).ok().and_then(|place| line.cells.get(&place));
    let has_filter = (0..samples).any(|place| !is_said(sample(place)));
    let mut keys = vec!["GT", "DP", "GQ", "AD", "PL"];
    keys.extend(has_filter.then_some("FT"));
    let values = (0..samples).map(|place| values(sample(place), has_filter)).collect();
    let keys: Keys = keys.into_iter().map(str::to_owned).collect();
    let mut builder = RecordBuf::builder()
        .set_reference_sequence_name(name)
        .set_variant_start(start)
        .set_ids(line.ids.iter().cloned().collect())
        .set_reference_bases(line.reference.as_str())
        .set_alternate_bases(AlternateBases::from(line.alternates.clone()))
        .set_info(counts(line))
        .set_samples(Samples::new(keys, values));
    if let Some(quality) = line.quality {
        builder = builder.set_quality_score(quality);
    }
    Ok(builder.build())
}

fn counts(line: &Line) -> vcf::variant::record_buf::Info {
    let counts = line.counts();
    let all: i32 = counts.iter().sum();
    let mut fields = vec![("AN".to_owned(), Some(info::field::Value::from(all)))];
    if !line.alternates.is_empty() {
        let each = || counts.iter().skip(1);
        let shares = each().map(|count| (all > 0).then(|| *count as f32 / all as f32));
        fields.push((
            "AC".to_owned(),
            Some(info::field::Value::from(each().map(|count| Some(*count)).collect::<Vec<_>>())),
        ));
        fields.push(("AF".to_owned(), Some(info::field::Value::from(shares.collect::<Vec<_>>()))));
    }
    fields.into_iter().collect()
}

/// A sample's column.
fn values(cell: Option<&Cell>, has_filter: bool) -> Vec<Option<Value>> {
    // An array of nothing would be no value in BCF.
    let array = |values: &[Option<i32>]| {
        let values = if values.is_empty() { vec![None] } else { values.to_vec() };
        Some(Value::Array(Array::Integer(values)))
    };
    let unknown = Genotype { alleles: vec![None, None], is_phased: false };
    let mut values = vec![
        Some(Value::Genotype(alleles(cell.map_or(&unknown, |cell| &cell.genotype)))),
        cell.and_then(|cell| cell.depth).map(Value::Integer),
        cell.and_then(|cell| cell.genotype_quality).map(Value::Integer),
        array(cell.map_or(&[], |cell| &cell.allele_depths)),
        array(cell.map_or(&[], |cell| &cell.likelihoods)),
    ];
    if has_filter {
        let filter = match cell.map(|cell| cell.state) {
            Some(State::Called) => Some(PASS),
            Some(State::NoCall) => None,
            Some(State::NotAssayed) => Some(NOT_ASSAYED),
            None => Some(NO_DATA),
        };
        values.push(filter.map(|filter| Value::String(filter.to_owned())));
    }
    values
}

fn alleles(genotype: &Genotype) -> Alleles {
    let phasing =
        |place: usize| if genotype.is_phased && place > 0 { Phasing::Phased } else { Phasing::Unphased };
    let allele =
        |(place, number): (usize, &Option<u16>)| Allele::new(number.map(usize::from), phasing(place));
    genotype.alleles.iter().enumerate().map(allele).collect()
}

/// The numbers of a file's alleles.
pub fn genotype(alleles: &Alleles) -> Genotype {
    let alleles = alleles.as_ref();
    let number = |allele: &Allele| allele.position().and_then(|number| u16::try_from(number).ok());
    Genotype {
        alleles: alleles.iter().map(number).collect(),
        is_phased: alleles.iter().skip(1).any(|allele| allele.phasing() == Phasing::Phased),
    }
}

/// What is read of a file, one after the other.
pub enum Read<'a> {
    Header(&'a vcf::Header),
    Record(&'a RecordBuf),
}

/// Reads a file that was written here.
pub fn read(
    path: &Path,
    format: Format,
    mut take: impl FnMut(Read<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    macro_rules! all {
        ($reader:expr) => {{
            let mut reader = $reader;
            let header = reader.read_header().map_err(|cause| unread(path, cause))?;
            take(Read::Header(&header))?;
            let mut record = RecordBuf::default();
            while reader.read_record_buf(&header, &mut record).map_err(|cause| unread(path, cause))? != 0 {
                take(Read::Record(&record))?;
            }
            Ok(())
        }};
    }
    let file = std::fs::File::open(path).map_err(|cause| unread(path, cause))?;
    let file = io::BufReader::new(file);
    match format {
        Format::Bcf => all!(bcf::io::Reader::new(file)),
        Format::VcfGz => all!(vcf::io::Reader::new(bgzf::io::Reader::new(file))),
        _ => all!(vcf::io::Reader::new(file)),
    }
}
