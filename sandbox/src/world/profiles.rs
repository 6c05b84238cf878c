//! The taxonomy, and the abundance profiles that were asked for last.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use crate::world::data::taxa::Taxonomy;
use crate::world::lock::lock;

/// So many samples' profiles are kept at a time.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

pub struct Profiles {
    pub taxonomy: Taxonomy,
    cache: Mutex<LruCache<String, Arc<Vec<f64>>>>,
}

impl Profiles {
    pub fn new(seed: u64, taxa: usize) -> Profiles {
        Profiles { taxonomy: Taxonomy::new(seed, taxa), cache: Mutex::new(LruCache::new(KEPT)) }
    }

    pub fn of(&self, biosample_id: &str) -> Arc<Vec<f64>> {
        let mut cache = lock(&self.cache);
        if let Some(profile) = cache.get(biosample_id) {
            return Arc::clone(profile);
        }
        let profile = Arc::new(self.taxonomy.profile(biosample_id));
        cache.put(biosample_id.to_owned(), Arc::clone(&profile));
        profile
    }
}
