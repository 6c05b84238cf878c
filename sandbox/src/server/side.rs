//! The listeners.

use serde::{Deserialize, Serialize};

/// Which of the two listeners a request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Platform,
    Store,
}
