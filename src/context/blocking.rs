//! Work that would keep the connections' threads from their duty: files, and long pages.

use tokio::sync::oneshot;

use crate::error::{Error, Result, Status};

/// Work on a thread of its own. It runs to its end even where nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    // Of one type, whatever is done: the runtime's part is compiled for each type anew.
    let work: Box<dyn FnOnce() + Send> = Box::new(move || drop(sender.send(work())));
    let ended = tokio::task::spawn_blocking(work).await;
    let outcome = receiver.await;
    ended.map_err(broken)?;
    outcome.map_err(broken)?
}

fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Status::Internal, "work on a thread of its own broke off").with_cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_is_an_error_and_what_fails_fails_as_it_did() {
        assert_eq!(blocking(|| Ok(7)).await.expect("a number"), 7);
        let error = blocking::<()>(|| Err(Error::cancelled())).await.expect_err("cancelled");
        assert_eq!(error.status(), Status::Cancelled);
        let error = blocking::<()>(|| panic!("a defect")).await.expect_err("a defect");
        assert_eq!(error.status(), Status::Internal);
    }
}
