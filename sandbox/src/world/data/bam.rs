//! Alignments as BAM, and their index.
//!
//! The reads of all genomes are the same: only the header, which is at the beginning and not compressed, says whose they
//! are. So the reads are written once, and so is the index, which is about places in the file.

use std::io::{self, Write};
use std::num::NonZero;

use noodles_bam as bam;
use noodles_bgzf as bgzf;
use noodles_bgzf::io::writer::CompressionLevel;
use noodles_core::Position;
use noodles_csi::binning_index::Indexer;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_csi::binning_index::index::reference_sequence::index::LinearIndex;
use noodles_sam::alignment::RecordBuf;
use noodles_sam::alignment::io::Write as _;
use noodles_sam::alignment::record::cigar::Op;
use noodles_sam::alignment::record::cigar::op::Kind;
use noodles_sam::alignment::record::data::field::Tag;
use noodles_sam::alignment::record::{Flags, MappingQuality};
use noodles_sam::alignment::record_buf::data::field::Value;
use noodles_sam::alignment::record_buf::{Cigar, Data, QualityScores, Sequence};
use noodles_sam::header::record::value::Map;
use noodles_sam::header::record::value::map::header::{sort_order::COORDINATE, tag::SORT_ORDER};
use noodles_sam::header::record::value::map::read_group::tag;
use noodles_sam::header::record::value::map::{Header as Hd, Program, ReadGroup, ReferenceSequence};

use super::genome::CONTIGS;
use super::reads::{self, Read, Step};

const GROUP: &str = "L1";

/// What follows the header of every genome's BAM file, and the index of such a file.
pub struct Alignments {
    pub reads: Vec<u8>,
    pub index: Vec<u8>,
}

/// The first bytes of a sample's file. Their number depends on the length of the id alone.
pub fn header(biosample_id: &str) -> io::Result<Vec<u8>> {
    let mut writer = bam::io::Writer::from(
        bgzf::io::writer::Builder::default()
            .set_compression_level(CompressionLevel::NONE)
            .build_from_writer(Vec::new()),
    );
    writer.write_header(&describe(biosample_id)?)?;
    let mut writer = writer.into_inner();
    writer.flush()?;
    Ok(writer.into_inner())
}

/// The reads, for files whose header has so many bytes.
pub fn alignments(seed: u64, header_bytes: u64) -> io::Result<Alignments> {
    let header = describe("")?;
    let mut writer = bam::io::Writer::from(
        bgzf::io::writer::Builder::default()
            .set_compression_level(CompressionLevel::FAST)
            .build_from_writer(Vec::new()),
    );
    let mut indexer = Indexer::<LinearIndex>::default();
    let mut start = place(&writer, header_bytes)?;
    for read in reads::all(seed) {
        writer.write_alignment_record(&header, &record(&read)?)?;
        let end = place(&writer, header_bytes)?;
        let covered = match (&read.place, read.end()) {
            (Some(at), Some(last)) => Some((at.contig, position(at.start)?, position(last)?, true)),
            _ => None,
        };
        indexer.add_record(covered, Chunk::new(start, end))?;
        start = end;
    }
    writer.try_finish()?;
    let mut index = bam::bai::io::Writer::new(Vec::new());
    index.write_index(&indexer.build(CONTIGS.len()))?;
    Ok(Alignments { reads: writer.into_inner().into_inner(), index: index.into_inner() })
}

/// Where the next record will be in the whole file.
fn place(
    writer: &bam::io::Writer<bgzf::io::Writer<Vec<u8>>>,
    before: u64,
) -> io::Result<bgzf::VirtualPosition> {
    let at = writer.get_ref().virtual_position();
    (at.compressed() + before, at.uncompressed()).try_into().map_err(io::Error::other)
}

fn position(at: usize) -> io::Result<Position> {
    Position::try_from(at).map_err(io::Error::other)
}

fn describe(biosample_id: &str) -> io::Result<noodles_sam::Header> {
    let mut header = noodles_sam::Header::builder()
        .set_header(Map::<Hd>::builder().insert(SORT_ORDER, COORDINATE).build().map_err(io::Error::other)?);
    for (name, length) in CONTIGS {
        let length = NonZero::try_from(length).map_err(io::Error::other)?;
        header = header.add_reference_sequence(name, Map::<ReferenceSequence>::new(length));
    }
    let group = Map::<ReadGroup>::builder()
        .insert(tag::SAMPLE, biosample_id)
        .insert(tag::PLATFORM, "DNBSEQ")
        .build()
        .map_err(io::Error::other)?;
    Ok(header.add_read_group(GROUP, group).add_program("bge-sandbox", Map::<Program>::default()).build())
}

fn record(read: &Read) -> io::Result<RecordBuf> {
    let mut builder = RecordBuf::builder()
        .set_name(read.name.as_str())
        .set_flags(Flags::from(read.flags))
        .set_sequence(Sequence::from(read.bases.as_slice()))
        .set_quality_scores(QualityScores::from(read.qualities.clone()));
    let group = (Tag::READ_GROUP, Value::from(GROUP));
    let Some(at) = &read.place else {
        return Ok(builder.set_data([group].into_iter().collect::<Data>()).build());
    };
    let steps = at.steps.iter().map(|(step, length)| {
        let kind = match step {
            Step::Match => Kind::Match,
            Step::Deletion => Kind::Deletion,
            Step::Clip => Kind::SoftClip,
        };
        Op::new(kind, *length)
    });
    let deleted: usize = at.steps.iter().filter(|(step, _)| *step == Step::Deletion).map(|(_, n)| n).sum();
    let distance = u8::try_from(at.mismatches + deleted).unwrap_or(u8::MAX);
    let data = [group, (Tag::EDIT_DISTANCE, Value::from(distance))];
    builder = builder
        .set_reference_sequence_id(at.contig)
        .set_alignment_start(position(at.start)?)
        .set_mate_reference_sequence_id(at.contig)
        .set_mate_alignment_start(position(at.mate_start)?)
        .set_template_length(at.template)
        .set_mapping_quality(MappingQuality::try_from(60).map_err(io::Error::other)?)
        .set_cigar(steps.collect::<Cigar>())
        .set_data(data.into_iter().collect::<Data>());
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_of_one_length_and_name_the_sample() {
        let (one, other) = (header("E-B10000000001").unwrap(), header("E-B99999999999").unwrap());
        assert_eq!(one.len(), other.len());
        assert_ne!(one, other);
        assert!(one.windows(14).any(|text| text == b"E-B10000000001"));
    }
}
