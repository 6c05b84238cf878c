//! What a client has learned of the platform from its answers, each call for itself.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// What nothing may be built on before an answer has shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    /// It refuses pages of 1,000 rows.
    RefusesLargePages,
    /// It takes them.
    TakesLargePages,
    /// A page's `count` is the number of rows on all pages.
    CountIsTotal,
}

/// Shared by all clones of a client's session.
#[derive(Clone, Default)]
pub(crate) struct Learned(Arc<Mutex<HashSet<(&'static str, Fact)>>>);

impl Learned {
    pub(crate) fn add(&self, call: &'static str, fact: Fact) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((call, fact));
    }

    pub(crate) fn knows(&self, call: &'static str, fact: Fact) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(call, fact))
    }
}
