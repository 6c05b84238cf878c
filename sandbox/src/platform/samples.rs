//! Samples: listed, looked up, registered, improved.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::envelope::{Data, Refusal};
use super::files::sample_files;
use crate::world::data::places::{OMICS, ORGANISMS, SITES};
use crate::world::samples::{Registration, Sample};

/// What `register_sample` and `improve_sample` do not take for a field of the sample.
const NOT_FIELDS: [&str; 5] =
    ["biosample_id", "external_sample_id", "biosample_site", "project_id", "duplicate_enabled"];

pub fn list(call: &Call) -> Result<Data, Refusal> {
    let caller = call.caller()?;
    let ids = call.list("biosample_ids")?;
    let sites = call.codes("biosample_sites", SITES.len())?;
    let omics = call.codes("omics", OMICS.len())?;
    let projects = call.list("project_ids")?;
    let organisms = call.codes("organisms", ORGANISMS.len())?;
    let available = call.boolean("data_availability")?;
    let statuses = call.codes("statuses", 99_999)?;
    let with_files = call.boolean("require_files")?.unwrap_or(false);
    let (number, limit) = (call.page("page")?, call.limit(50, None)?);

    let wanted = |sample: &Sample| {
        ids.as_ref().is_none_or(|ids| ids.contains(&sample.biosample_id.as_str()))
            && sites.as_ref().is_none_or(|sites| sites.contains(&sample.site))
            && omics.as_ref().is_none_or(|omics| omics.contains(&sample.omic))
            && projects.as_ref().is_none_or(|projects| projects.contains(&sample.project_id.as_str()))
            && organisms.as_ref().is_none_or(|organisms| organisms.contains(&sample.organism))
            && available.is_none_or(|available| available == sample.data_availability)
            && statuses
                .as_ref()
                .is_none_or(|all| all.iter().any(|code| i64::try_from(*code) == Ok(sample.status)))
    };
    let samples = call.world.samples();
    let found: Vec<_> = samples.of(caller).filter(|sample| wanted(sample)).collect();
    let listed = call.walking().by_number(number, limit, found.len());
    let result: Vec<_> = found
        .get(listed.page.range())
        .unwrap_or_default()
        .iter()
        .map(|sample| describe(call, sample, with_files))
        .collect();
    Ok(Data::Json(json!({"result": result, "count": listed.count, "next_page": listed.next})))
}

fn describe(call: &Call, sample: &Sample, with_files: bool) -> Value {
    let mut described = sample.to_json();
    if with_files {
        described["files"] = sample_files(call.world, sample);
    }
    described
}

pub fn one(call: &Call) -> Result<Data, Refusal> {
    let with_files = call.boolean("require_files")?.unwrap_or(false);
    let sample = call.own_sample(call.ids.first().copied().unwrap_or_default())?;
    Ok(Data::Json(describe(call, &sample, with_files)))
}

pub fn externals(call: &Call) -> Result<Data, Refusal> {
    let caller = call.caller()?;
    let project_id = call.need("project_id")?;
    let site = call.need_int("biosample_site", 1..=15)?;
    call.need("external_ids")?;
    let wanted = call.list("external_ids")?.unwrap_or_default();
    let samples = call.world.samples();
    let found: Vec<_> = samples
        .of(caller)
        .filter(|sample| sample.project_id == project_id && i64::try_from(sample.site) == Ok(site))
        .filter(|sample| {
            sample.external_sample_id.as_deref().is_some_and(|external| wanted.contains(&external))
        })
        .map(|sample| {
            json!({
                "external_sample_id": sample.external_sample_id,
                "biosample_id": sample.biosample_id,
                "biosample_site": sample.site,
                "project_id": sample.project_id,
            })
        })
        .collect();
    Ok(Data::Json(Value::Array(found)))
}

fn extra_fields(call: &Call) -> Map<String, Value> {
    let fields = call
        .fields()
        .iter()
        .filter(|(name, value)| !NOT_FIELDS.contains(&name.as_str()) && !value.is_empty());
    fields.map(|(name, value)| (name.clone(), json!(value))).collect()
}

pub fn register(call: &Call) -> Result<Data, Refusal> {
    let caller = call.caller()?;
    let external_sample_id = call.need("external_sample_id")?.to_owned();
    let site = call.need_int("biosample_site", 1..=15)?;
    let project_id = call.need("project_id")?.to_owned();
    let duplicate_enabled = call.boolean("duplicate_enabled")?.unwrap_or(false);
    if !project_id.starts_with("P-") {
        return Err(Refusal::argument("project_id", "项目不存在"));
    }
    let registration = Registration {
        external_sample_id,
        site: usize::try_from(site).unwrap_or_default(),
        project_id,
        duplicate_enabled,
        fields: extra_fields(call),
    };
    match call.world.samples_mut().register(caller, registration) {
        Some(biosample_id) => Ok(Data::Json(json!({"biosample_id": biosample_id}))),
        None => Err(Refusal::argument("external_sample_id", "外部样品编号已注册")),
    }
}

pub fn improve(call: &Call) -> Result<Data, Refusal> {
    let sample = call.sample()?;
    let fields = extra_fields(call);
    if fields.is_empty() {
        return Err(Refusal::argument("biosample_id", "没有需要赋值的字段"));
    }
    let names: Vec<_> = fields.keys().cloned().collect();
    match call.world.samples_mut().improve(&sample.biosample_id, fields) {
        Ok(()) => Ok(Data::Json(json!({"improved": names}))),
        Err(name) => Err(Refusal::argument(&name, "字段已赋值，无法修改")),
    }
}
