//! The platform's calls: the table of them, their arguments, and one request of them sent and read.

pub(crate) mod args;
pub mod endpoint;
pub(crate) mod learned;
pub(crate) mod session;
pub(crate) mod store_access;
pub(crate) mod switches;
