//! HTTP as all handlers need it: requests taken apart, answers put together, what signatures are made of.

pub mod answer;
pub mod request;
pub mod signing;
