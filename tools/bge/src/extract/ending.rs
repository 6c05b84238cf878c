//! How a run ended, and what is said of the samples that are missing.

use crate::extract::job::Missing;

/// How a run ended that did what could be done.
pub enum Ending {
    Complete,
    /// Samples are missing; their ids are in a file beside the output. The exit status says whether to try again.
    Partial(u8),
}

/// A sample in a list of ids that another run takes.
pub fn line(missing: &Missing) -> String {
    format!("{}  # {}", missing.id, missing.why)
}

/// The first ones by name: a cohort may be large.
pub fn tell(missing: &[Missing]) {
    const SHOWN: usize = 20;
    for one in missing.iter().take(SHOWN) {
        eprintln!("bge: {} is missing: {}", one.id, one.why);
    }
    if missing.len() > SHOWN {
        eprintln!("bge: and {} more", missing.len() - SHOWN);
    }
}
