//! The object store: what Aliyun OSS answers to a client that knows it by its protocol only.
//!
//! What it holds is [`Store`], of the world below; here it is served over HTTP, and signature, date,
//! token and destination of every request are checked.
//!
//! A request's path: `route` takes it apart (`request`), checks its sender (`auth`, `sign`), and
//! hands it to `upload`, `multipart` or `download`; bodies come in through `receive` and leave
//! through `content`; a refusal is an `error`.
//!
//! [`Store`]: crate::world::store::Store

mod auth;
mod content;
mod download;
mod error;
mod headers;
mod multipart;
mod presign;
mod range;
mod receive;
mod request;
mod route;
mod sign;
mod upload;
mod xml;

#[cfg(test)]
mod tests;

pub use presign::presign_get;
pub use route::router;
