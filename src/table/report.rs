//! How far a table is, and what it left out.

use serde_json::{json, value::RawValue};

use crate::error::Error;

/// How far a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableProgress {
    /// Rows given so far.
    pub rows: u64,
    /// Samples whose rows have all been given, or that were skipped.
    pub samples_done: u64,
    /// Samples in all; with `"all"`, those listed so far.
    pub samples: u64,
}

/// A sample that was skipped.
pub(super) struct Failed {
    pub id: Option<String>,
    pub rows: u64,
    pub error: Error,
}

/// The report as JSON: `{"failed": [{"biosample_id", "rows", "error"}], "misfits": n}`.
pub(super) fn text(failed: &[Failed], misfits: u64) -> String {
    let failed: Vec<_> = failed
        .iter()
        .map(|failed| {
            let error = RawValue::from_string(failed.error.to_json()).ok();
            json!({"biosample_id": failed.id, "rows": failed.rows, "error": error})
        })
        .collect();
    json!({"failed": failed, "misfits": misfits}).to_string()
}
