//! Variants: real sites of GRCh38, and what a made-up genome has there.

use rand::RngExt;
use serde_json::{Value, json};

use super::seed::generator;

pub struct Site {
    pub rsid: &'static str,
    pub chromosome: &'static str,
    pub position: i64,
    pub reference: &'static str,
    pub alternate: &'static str,
    /// Frequency of the alternate allele.
    frequency: f64,
    gene: &'static str,
    transcript: &'static str,
}

const fn site(
    rsid: &'static str,
    place: (&'static str, i64),
    alleles: (&'static str, &'static str),
    frequency: f64,
    gene: &'static str,
    transcript: &'static str,
) -> Site {
    let ((chromosome, position), (reference, alternate)) = (place, alleles);
    Site { rsid, chromosome, position, reference, alternate, frequency, gene, transcript }
}

/// Much-studied sites: drug response, metabolism, appearance, disease risk.
pub static SITES: [Site; 48] = [
    site("rs762551", ("chr15", 74_749_576), ("C", "A"), 0.6715, "CYP1A2", "NM_000761"),
    site("rs1229984", ("chr4", 99_318_162), ("T", "C"), 0.7041, "ADH1B", "NM_000668"),
    site("rs671", ("chr12", 111_803_962), ("G", "A"), 0.1742, "ALDH2", "NM_000690"),
    site("rs429358", ("chr19", 44_908_684), ("T", "C"), 0.0862, "APOE", "NM_000041"),
    site("rs7412", ("chr19", 44_908_822), ("C", "T"), 0.1003, "APOE", "NM_000041"),
    site("rs4988235", ("chr2", 135_851_076), ("G", "A"), 0.1609, "MCM6", "NM_005915"),
    site("rs1801133", ("chr1", 11_796_321), ("G", "A"), 0.4657, "MTHFR", "NM_005957"),
    site("rs1801131", ("chr1", 11_794_419), ("T", "G"), 0.2183, "MTHFR", "NM_005957"),
    site("rs9939609", ("chr16", 53_786_615), ("T", "A"), 0.1657, "FTO", "NM_001080432"),
    site("rs12913832", ("chr15", 28_120_472), ("A", "G"), 0.1773, "HERC2", "NM_004667"),
    site("rs1426654", ("chr15", 48_134_287), ("A", "G"), 0.5601, "SLC24A5", "NM_205850"),
    site("rs16891982", ("chr5", 33_951_588), ("C", "G"), 0.2779, "SLC45A2", "NM_016180"),
    site("rs4680", ("chr22", 19_963_748), ("G", "A"), 0.2787, "COMT", "NM_000754"),
    site("rs6265", ("chr11", 27_658_369), ("C", "T"), 0.4871, "BDNF", "NM_170735"),
    site("rs1799971", ("chr6", 154_039_662), ("A", "G"), 0.3562, "OPRM1", "NM_000914"),
    site("rs1800497", ("chr11", 113_400_106), ("G", "A"), 0.4117, "ANKK1", "NM_178510"),
    site("rs7903146", ("chr10", 112_998_590), ("C", "T"), 0.0273, "TCF7L2", "NM_030756"),
    site("rs4244285", ("chr10", 94_781_859), ("G", "A"), 0.3125, "CYP2C19", "NM_000769"),
    site("rs4986893", ("chr10", 94_780_653), ("G", "A"), 0.0556, "CYP2C19", "NM_000769"),
    site("rs12248560", ("chr10", 94_761_900), ("C", "T"), 0.0149, "CYP2C19", "NM_000769"),
    site("rs1799853", ("chr10", 94_942_290), ("C", "T"), 0.0010, "CYP2C9", "NM_000771"),
    site("rs1057910", ("chr10", 94_981_296), ("A", "C"), 0.0337, "CYP2C9", "NM_000771"),
    site("rs9923231", ("chr16", 31_096_368), ("C", "T"), 0.8849, "VKORC1", "NM_024006"),
    site("rs4149056", ("chr12", 21_178_615), ("T", "C"), 0.1230, "SLCO1B1", "NM_006446"),
    site("rs1800562", ("chr6", 26_092_913), ("G", "A"), 0.0126, "HFE", "NM_000410"),
    site("rs1799945", ("chr6", 26_090_951), ("C", "G"), 0.0327, "HFE", "NM_000410"),
    site("rs6025", ("chr1", 169_549_811), ("C", "T"), 0.0060, "F5", "NM_000130"),
    site("rs1799963", ("chr11", 46_739_505), ("G", "A"), 0.0038, "F2", "NM_000506"),
    site(
        "rs333",
        ("chr3", 46_373_452),
        ("TACAGTCAGTATCAATTCTGGAAGAATTTCCAGACA", "TACA"),
        0.0287,
        "CCR5",
        "NM_000579",
    ),
    site("rs17822931", ("chr16", 48_224_287), ("C", "T"), 0.7769, "ABCC11", "NM_032583"),
    site("rs1815739", ("chr11", 66_560_624), ("C", "T"), 0.4206, "ACTN3", "NM_001104"),
    site("rs713598", ("chr7", 141_973_545), ("C", "G"), 0.6895, "TAS2R38", "NM_176817"),
    site("rs3827760", ("chr2", 108_897_145), ("A", "G"), 0.8730, "EDAR", "NM_022336"),
    site("rs1042713", ("chr5", 148_826_877), ("G", "A"), 0.5685, "ADRB2", "NM_000024"),
    site("rs5082", ("chr1", 161_223_893), ("G", "A"), 0.9187, "APOA2", "NM_001643"),
    site("rs53576", ("chr3", 8_762_685), ("A", "G"), 0.3442, "OXTR", "NM_000916"),
    site("rs1800629", ("chr6", 31_575_254), ("G", "A"), 0.0585, "TNF", "NM_000594"),
    site("rs2187668", ("chr6", 32_638_107), ("C", "T"), 0.0417, "HLA-DQA1", "NM_002122"),
    site("rs1544410", ("chr12", 47_846_052), ("C", "T"), 0.0615, "VDR", "NM_000376"),
    site("rs2228570", ("chr12", 47_879_112), ("A", "G"), 0.5744, "VDR", "NM_000376"),
    site("rs662799", ("chr11", 116_792_991), ("G", "A"), 0.7123, "APOA5", "NM_052968"),
    site("rs738409", ("chr22", 43_928_847), ("C", "G"), 0.3502, "PNPLA3", "NM_025225"),
    site("rs2231142", ("chr4", 88_131_171), ("G", "T"), 0.2907, "ABCG2", "NM_004827"),
    site("rs776746", ("chr7", 99_672_916), ("T", "C"), 0.7133, "CYP3A5", "NM_000777"),
    site("rs1045642", ("chr7", 87_509_329), ("A", "G"), 0.6022, "ABCB1", "NM_000927"),
    site("rs3745274", ("chr19", 41_006_936), ("G", "T"), 0.2153, "CYP2B6", "NM_000767"),
    site("rs116855232", ("chr13", 48_045_719), ("C", "T"), 0.0952, "NUDT15", "NM_018283"),
    site("rs1142345", ("chr6", 18_130_687), ("T", "C"), 0.0218, "TPMT", "NM_000367"),
];

/// What a sample has at an rsID. A site that the pipeline does not know, and any site of a sample without a genome, is
/// not assayed.
pub fn at(seed: u64, biosample_id: &str, has_genome: bool, rsid: &str) -> Value {
    let known = SITES.iter().find(|site| site.rsid == rsid);
    let assayed = known.filter(|_| has_genome);
    let mut rng = generator(seed, &["variant", biosample_id, rsid]);
    let variant_id = super::seed::uuid(&mut rng);
    let called = assayed.filter(|_| rng.random_range(0..200) != 0);
    json!({
        "source": {
            "tag": {"assembly_synonym": "GRCh38", "dbSNP_build": 151},
            "update_time": "2019-12-23T23:10:30Z",
            "pipeline_version": "WGSAI3.0-l",
        },
        "is_assayed": assayed.is_some(),
        "genomic_context": {
            "gene": known.iter().map(|site| json!({
                "symbol": site.gene,
                "version": {
                    "mRNA_and_protein": [{"mRNA": site.transcript, "protein": null}],
                    "RNA": [],
                    "Genomic": [],
                },
                "coding": {"system": "https://www.ncbi.nlm.nih.gov"},
            })).collect::<Vec<_>>(),
        },
        "variant": called.map(|site| call_json(site, &mut rng)),
        "is_genotyped": called.is_some(),
        "batch_no": 0,
        "alternate_id": [rsid],
        "coordinate_system": 0,
        "is_no_call": assayed.is_some() && called.is_none(),
        "variant_id": variant_id,
    })
}

fn call_json(site: &Site, rng: &mut impl rand::Rng) -> Value {
    let mut alternates = 0;
    for _ in 0..2 {
        alternates += i64::from(rng.random_bool(site.frequency));
    }
    let depth: i64 = rng.random_range(28..110);
    let with_alternate = match alternates {
        0 => 0,
        1 => depth / 2 - rng.random_range(0..6),
        _ => depth,
    };
    let (likelihoods, genotype) = match alternates {
        0 => (format!("0,{},{}", depth * 3, depth * 31), [site.reference, site.reference]),
        1 => (format!("{},0,{}", depth * 15 + 19, depth * 14 + 90), [site.reference, site.alternate]),
        _ => (format!("{},{},0", depth * 31, depth * 3), [site.alternate, site.alternate]),
    };
    let genotype_code = match alternates {
        0 => "0/0",
        1 => "0/1",
        _ => "1/1",
    };
    let quality = f64::from(rng.random_range(45_000..310_000)) / 100.0;
    json!({
        "call": {
            "DP": depth,
            "PL": likelihoods,
            "AD": [depth - with_alternate, with_alternate],
            "GQ": 99,
            "GT": genotype_code,
        },
        "chromosome": site.chromosome,
        "information": {
            "frequency": {
                "TOPMED": [1.0 - site.frequency * 1.019, site.frequency * 1.019],
                "CAF": [super::seed::significant(1.0 - site.frequency, 4), site.frequency],
            },
            "AN": 2,
            "site_quality": quality,
            "DP": depth,
        },
        "type": if site.reference.len() == site.alternate.len() { "snp" } else { "indel" },
        "genotype": genotype.join("/"),
        "reference_base": site.reference,
        "position": site.position,
        "alternate_base": if alternates == 0 { vec![] } else { vec![site.alternate] },
    })
}
