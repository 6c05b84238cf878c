//! Abundances: taxa, functions, genes.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use serde_json::json;

use super::call::Call;
use crate::answer::{Data, Refusal};
use crate::data::functions::{self, CATALOGS};
use crate::data::genes::{self, GENES};
use crate::data::samples::Sample;
use crate::data::taxa::{Taxonomy, sample_info};
use crate::pages::{Page, Walk};

/// So many samples' profiles are kept at a time.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// The taxonomy, and the profiles used last.
pub struct Profiles {
    pub taxonomy: Taxonomy,
    cache: Mutex<LruCache<String, Arc<Vec<f64>>>>,
}

impl Profiles {
    pub fn new(seed: u64, taxa: usize) -> Profiles {
        Profiles { taxonomy: Taxonomy::new(seed, taxa), cache: Mutex::new(LruCache::new(KEPT)) }
    }

    fn of(&self, biosample_id: &str) -> Arc<Vec<f64>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(profile) = cache.get(biosample_id) {
            return Arc::clone(profile);
        }
        let profile = Arc::new(self.taxonomy.profile(biosample_id));
        cache.put(biosample_id.to_owned(), Arc::clone(&profile));
        profile
    }
}

/// A sample that has been sequenced as a metagenome; others have no abundances.
fn has_profile(sample: &Sample) -> bool {
    sample.is_metagenome() && !sample.registered
}

pub fn taxa(call: &Call) -> Result<Data, Refusal> {
    let options = call.sandbox.options();
    let wanted = call.list("taxon_id")?;
    let (number, limit) = (call.page("page")?, call.limit(50, None)?);
    let sample = call.sample()?;
    let profiles = &call.sandbox.profiles;
    let taxa = &profiles.taxonomy.taxa;
    // Without a filter row n is taxon n, and no list of 20,000 numbers is made for a page of 50.
    let chosen: Option<Vec<usize>> = wanted.map(|wanted| {
        (0..taxa.len())
            .filter(|&at| taxa.get(at).is_some_and(|taxon| wanted.contains(&taxon.id.as_str())))
            .collect()
    });
    let total = match &chosen {
        _ if !has_profile(&sample) => 0,
        None => taxa.len(),
        Some(chosen) => chosen.len(),
    };
    let page = Page::numbered(number, limit, total);
    let mut data = String::with_capacity((page.end - page.start) * 900 + 2);
    data.push('[');
    if page.start < page.end {
        let (profile, info) = (profiles.of(&sample.biosample_id), sample_info(&sample));
        for row in page.range() {
            if row > page.start {
                data.push_str(", ");
            }
            let at = chosen.as_ref().and_then(|chosen| chosen.get(row)).copied().unwrap_or(row);
            profiles.taxonomy.push_row(&mut data, at, profile.get(at).copied().unwrap_or_default(), &info);
        }
    }
    data.push(']');
    let number = if options.repeat_page_token { number - 1 } else { number };
    let pagination = (!options.omit_pagination).then_some((total as u64, number as u64));
    Ok(Data::Page { data, pagination })
}

pub fn functions(call: &Call) -> Result<Data, Refusal> {
    let catalog = call.need_choice("catalog", &CATALOGS)?;
    let ids = call.list("ids")?;
    let limit = call.limit(50, None)?;
    let sample = call.sample()?;
    let all = functions::ids(call.sandbox.seed, catalog);
    let chosen: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|id| ids.as_ref().is_none_or(|ids| ids.contains(id)))
        .filter(|_| has_profile(&sample))
        .collect();
    let walk = Walk::new(
        "WH",
        call.sandbox.seed,
        &[&sample.biosample_id, catalog, call.get("ids").unwrap_or_default()],
    );
    let page = Page::at(walk.start(call.get("next_page"))?, limit, chosen.len());
    let next = walk.next(page, chosen.len(), call.sandbox.options().repeat_page_token);
    let info = sample_info(&sample);
    let rows = chosen.get(page.range()).unwrap_or_default().iter();
    let rows = rows.map(|id| functions::row(call.sandbox.seed, &sample.biosample_id, catalog, id, &info));
    Ok(listing(rows, chosen.len(), next))
}

pub fn genes(call: &Call) -> Result<Data, Refusal> {
    let catalog = call.need_choice("catalog", &["IGC_9.9M", "UniRef90_HUMAnN2_0.11"])?;
    let data_type = call.need_choice("data_type", &["list", "file"])?;
    let limit = call.limit(50, Some(1_000))?;
    if catalog != "IGC_9.9M" && data_type == "list" {
        return Err(Refusal::argument("data_type", "UniRef90_HUMAnN2_0.11 仅支持 file"));
    }
    let wanted = call.list("ids")?;
    let sample = call.sample()?;
    if data_type == "file" {
        let files =
            if has_profile(&sample) { vec![genes::file(call.sandbox, &sample, catalog)] } else { Vec::new() };
        return Ok(Data::Json(json!({"count": files.len(), "next_page": null, "result": files})));
    }
    let chosen: Vec<usize> = (1..=GENES)
        .filter(|number| wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|id| genes::is(id, *number))))
        .filter(|_| has_profile(&sample))
        .collect();
    let ids = call.get("ids").unwrap_or_default();
    let walk = Walk::new("GeneAbundance", call.sandbox.seed, &[&sample.biosample_id, catalog, ids]);
    let page = Page::at(walk.start(call.get("next_page"))?, limit, chosen.len());
    let next = walk.next(page, chosen.len(), call.sandbox.options().repeat_page_token);
    let info = sample_info(&sample);
    let rows = chosen.get(page.range()).unwrap_or_default().iter();
    let rows = rows.map(|number| genes::row(call.sandbox.seed, &sample.biosample_id, *number, &info));
    Ok(listing(rows, chosen.len(), next))
}

/// `{"result", "count", "next_page"}` around rows that are JSON text.
fn listing(rows: impl Iterator<Item = String>, count: usize, next: Option<String>) -> Data {
    let rows = rows.collect::<Vec<_>>().join(", ");
    let next = json!(next);
    Data::Raw(format!(r#"{{"result": [{rows}], "count": {count}, "next_page": {next}}}"#))
}
