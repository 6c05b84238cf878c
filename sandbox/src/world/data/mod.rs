//! The made-up data: everything follows from the seed, so that two runs with one seed are the same.

pub mod elements;
pub mod functions;
pub mod genes;
pub mod numbers;
pub mod places;
pub mod seed;
pub mod streams;
pub mod taxa;
pub mod variants;
