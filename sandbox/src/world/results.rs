//! The files of samples' results. They are in the store from the first time that somebody asks for them.

use std::io;
use std::sync::OnceLock;

use crate::world::data::bam::{self, Alignments};
use crate::world::data::taxa::Taxonomy;
use crate::world::data::variants::SITES;
use crate::world::data::vcf;
use crate::world::samples::Sample;
use crate::world::store::Store;
use crate::world::store::digest::{Received, receive_bytes};

pub struct ResultFile {
    pub object: String,
    pub format: &'static str,
    pub size: u64,
}

/// What all genomes have in common.
struct Common {
    reads: Received,
    index: Received,
}

#[derive(Default)]
pub struct Results {
    common: OnceLock<Option<Common>>,
}

impl Results {
    /// The files of a sample, all of which are in the store.
    pub fn of(&self, seed: u64, store: &Store, taxonomy: &Taxonomy, sample: &Sample) -> Vec<ResultFile> {
        let id = &sample.biosample_id;
        if sample.has_profile() {
            let object = format!("ods/microbiome/processed/profile/{id}.taxon.relab.tsv");
            return vec![file(store, object, "tsv", || profile(taxonomy, id))];
        }
        if !sample.has_genome() {
            return Vec::new();
        }
        let folder = "ods/genome/processed";
        let mut files = vec![file(store, format!("{folder}/variant/{id}.sites.vcf"), "vcf", sites)];
        let names = [
            (format!("{folder}/alignment/{id}.bam"), "bam"),
            (format!("{folder}/alignment/{id}.bam.bai"), "bai"),
            (format!("{folder}/variant/{id}.vcf.gz"), "vcf.gz"),
            (format!("{folder}/variant/{id}.vcf.gz.tbi"), "tbi"),
        ];
        if names.iter().any(|(object, _)| !store.exists(object)) {
            let [bam, bai, vcf, tbi] = names.each_ref().map(|(object, _)| object.as_str());
            // Written to memory, nothing of this fails.
            let written = self.put_alignments(seed, store, id, bam, bai);
            if written.and_then(|()| put_variants(seed, store, id, vcf, tbi)).is_err() {
                return files;
            }
        }
        for (object, format) in names {
            let size = store.size(&object).unwrap_or_default();
            files.push(ResultFile { object, format, size });
        }
        files
    }

    fn put_alignments(&self, seed: u64, store: &Store, id: &str, bam: &str, bai: &str) -> io::Result<()> {
        let header = bam::header(id)?;
        let common = self.common.get_or_init(|| {
            let Alignments { reads, index } = bam::alignments(seed, header.len() as u64).ok()?;
            Some(Common { reads: receive_bytes(reads, true), index: receive_bytes(index, true) })
        });
        let common = common.as_ref().ok_or(io::ErrorKind::Other)?;
        store.put_pieces(bam, &[&receive_bytes(header, true), &common.reads]);
        store.put_pieces(bai, &[&common.index]);
        Ok(())
    }
}

fn put_variants(seed: u64, store: &Store, id: &str, vcf: &str, tbi: &str) -> io::Result<()> {
    let variants = vcf::of(seed, id)?;
    store.put_internal(vcf, variants.file);
    store.put_internal(tbi, variants.index);
    Ok(())
}

/// A file that is made as text if it is not there.
fn file(store: &Store, object: String, format: &'static str, make: impl FnOnce() -> String) -> ResultFile {
    if !store.exists(&object) {
        store.put_internal(&object, make().into_bytes());
    }
    let size = store.size(&object).unwrap_or_default();
    ResultFile { object, format, size }
}

fn profile(taxonomy: &Taxonomy, biosample_id: &str) -> String {
    let values = taxonomy.profile(biosample_id);
    let rows = taxonomy.taxa.iter().zip(values).map(|(taxon, value)| format!("{}\t{value:e}\n", taxon.id));
    format!("#taxon_id\trelative_abundance\n{}", rows.collect::<String>())
}

fn sites() -> String {
    let rows = SITES.iter().map(|site| {
        format!(
            "{}\t{}\t{}\t{}\t{}\t.\tPASS\t.\n",
            site.chromosome, site.position, site.rsid, site.reference, site.alternate
        )
    });
    format!(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{}",
        rows.collect::<String>()
    )
}
