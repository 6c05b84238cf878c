//! Abundances: taxa, functions, genes.

use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Data, Refusal};
use super::pages::{Listed, Walk};
use crate::world::data::functions::{self, CATALOGS};
use crate::world::data::genes::{self, GENES};
use crate::world::samples::Sample;

pub fn taxa(call: &Call) -> Result<Data, Refusal> {
    let options = call.world.options();
    let wanted = call.list("taxon_id")?;
    let (number, limit) = (call.page("page")?, call.limit(50, None)?);
    let sample = call.sample()?;
    let profiles = &call.world.profiles;
    let taxa = &profiles.taxonomy.taxa;
    // Without a filter row n is taxon n, and no list of 20,000 numbers is made for a page of 50.
    let chosen: Option<Vec<usize>> = wanted.map(|wanted| {
        (0..taxa.len())
            .filter(|&at| taxa.get(at).is_some_and(|taxon| wanted.contains(&taxon.id.as_str())))
            .collect()
    });
    let total = match &chosen {
        _ if !sample.has_profile() => 0,
        None => taxa.len(),
        Some(chosen) => chosen.len(),
    };
    let Listed { page, count, .. } = call.walking().by_number(number, limit, total);
    let mut data = String::with_capacity(page.rows() * 900 + 2);
    data.push('[');
    if page.start < page.end {
        let (profile, info) = (profiles.of(&sample.biosample_id), sample.info());
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
    let pagination = (!options.omit_pagination).then_some((count as u64, number as u64));
    Ok(Data::Page { data, pagination })
}

pub fn functions(call: &Call) -> Result<Data, Refusal> {
    let catalog = call.need_choice("catalog", &CATALOGS)?;
    let ids = call.list("ids")?;
    let limit = call.limit(50, None)?;
    let sample = call.sample()?;
    let all = functions::ids(call.world.seed, catalog);
    let chosen: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|id| ids.as_ref().is_none_or(|ids| ids.contains(id)))
        .filter(|_| sample.has_profile())
        .collect();
    let walk = Walk::new(
        "WH",
        call.world.seed,
        &[&sample.biosample_id, catalog, call.get("ids").unwrap_or_default()],
    );
    let listed = call.walking().by_token(&walk, call.get("next_page"), limit, chosen.len())?;
    let info = sample.info();
    let rows = chosen.get(listed.page.range()).unwrap_or_default().iter();
    let rows = rows.map(|id| functions::row(call.world.seed, &sample.biosample_id, catalog, id, &info));
    Ok(listing(rows, listed.count, listed.next))
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
        let files = if sample.has_profile() { vec![gene_file(call, &sample, catalog)] } else { Vec::new() };
        return Ok(Data::Json(json!({"count": files.len(), "next_page": null, "result": files})));
    }
    let chosen: Vec<usize> = (1..=GENES)
        .filter(|number| wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|id| genes::is(id, *number))))
        .filter(|_| sample.has_profile())
        .collect();
    let ids = call.get("ids").unwrap_or_default();
    let walk = Walk::new("GeneAbundance", call.world.seed, &[&sample.biosample_id, catalog, ids]);
    let listed = call.walking().by_token(&walk, call.get("next_page"), limit, chosen.len())?;
    let info = sample.info();
    let rows = chosen.get(listed.page.range()).unwrap_or_default().iter();
    let rows = rows.map(|number| genes::row(call.world.seed, &sample.biosample_id, *number, &info));
    Ok(listing(rows, listed.count, listed.next))
}

/// The entry for a file of all genes. The file is put into the store, where `get_download_url` finds it.
fn gene_file(call: &Call, sample: &Sample, catalog: &str) -> Value {
    let id = &sample.biosample_id;
    let object = format!("ods/microbiome/processed/profile/{id}.{catalog}.genefamilies.tsv");
    let text = genes::table(call.world.seed, id, catalog);
    let size = text.len();
    if !call.world.store.exists(&object) {
        call.world.store.put_internal(&object, text.into_bytes());
    }
    json!({
        "biosample_id": id,
        "catalog": catalog,
        "file_format": "tsv",
        "file_size": size,
        "object_name": object,
    })
}

/// `{"result", "count", "next_page"}` around rows that are JSON text.
fn listing(rows: impl Iterator<Item = String>, count: usize, next: Option<String>) -> Data {
    let rows = rows.collect::<Vec<_>>().join(", ");
    let next = json!(next);
    Data::Raw(format!(r#"{{"result": [{rows}], "count": {count}, "next_page": {next}}}"#))
}
