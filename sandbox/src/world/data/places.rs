//! The platform's numbered vocabularies: sampling sites, omics, organisms, states of a sample.

/// Sampling sites 1 to 15.
pub const SITES: [&str; 15] = [
    "feces",
    "saliva",
    "tongue coating",
    "dental plaque",
    "buccal swab",
    "nasal swab",
    "skin",
    "vaginal swab",
    "urine",
    "semen",
    "blood",
    "hair",
    "tissue",
    "breast milk",
    "plasma",
];

/// Omics 1 and 2.
pub const OMICS: [&str; 2] = ["genomics", "metagenomics"];

/// Organisms 1 to 3.
pub const ORGANISMS: [&str; 3] = ["human", "mouse", "environment"];

/// Where a stool sample comes from.
pub const FECES: usize = 1;
pub const BLOOD: usize = 11;

/// The state of a sample, by its code.
pub fn status(code: i64) -> &'static str {
    match code {
        1001 => "已注册",
        9001 => "开始解读",
        _ => "已交付",
    }
}

/// The name of number `code` in a vocabulary that starts at 1.
pub fn display<'a>(vocabulary: &[&'a str], code: usize) -> &'a str {
    code.checked_sub(1).and_then(|at| vocabulary.get(at)).copied().unwrap_or("unknown")
}
