//! The made-up data: everything follows from the seed, so that two runs with one seed are the same.

pub mod bam;
pub mod elements;
pub mod functions;
pub mod genes;
pub mod genome;
pub mod numbers;
pub mod places;
pub mod reads;
pub mod seed;
pub mod streams;
pub mod taxa;
pub mod variants;
pub mod vcf;
