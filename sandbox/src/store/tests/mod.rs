//! The store over HTTP.
