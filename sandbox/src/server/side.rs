//! The listeners.

use serde::{Deserialize, Serialize};

/// Which of the listeners a request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Platform,
    Store,
    Kms,
}

impl Side {
    pub const ALL: [Side; 3] = [Side::Platform, Side::Store, Side::Kms];

    pub fn name(self) -> &'static str {
        match self {
            Side::Platform => "platform",
            Side::Store => "store",
            Side::Kms => "kms",
        }
    }
}
