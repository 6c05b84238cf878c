//! Work on files and bytes, away from the thread that carries the connections.

use crate::error::{Error, Result, Status};

/// Work on files, away from the thread that carries the connections.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|cause| {
        Err(Error::new(Status::Internal, "the disk's thread broke off").with_cause(cause))
    })
}
