//! Models: called, deployed, published, rolled back, licensed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::RngExt;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::wire::request::to_object;
use crate::world::data::seed::{generator, significant};
use crate::world::models::{FAILING, Model, SLOW, Version};

pub fn invoke(call: &Call) -> Result<Data, Refusal> {
    run(call, |model| model.current)
}

pub fn invoke_draft(call: &Call) -> Result<Data, Refusal> {
    run(call, |model| model.deployed)
}

fn run(call: &Call, version: impl Fn(&Model) -> i64) -> Result<Data, Refusal> {
    let model_id = call.ids.first().copied().unwrap_or_default();
    let version = version(call.world.models().get(model_id).ok_or_else(Refusal::no_model)?);
    let subject = match call.get("biosample_id") {
        Some(id) => call.own_sample(id)?.biosample_id.clone(),
        None => String::new(),
    };
    let result = prediction(call, model_id, &subject, version);
    if model_id == SLOW || model_id == FAILING {
        let options = call.world.options();
        let fails = model_id == FAILING || options.tasks_fail;
        return Ok(Data::Json(call.world.tasks().start_ending("model", result, &options, fails)));
    }
    Ok(Data::Json(result))
}

/// What a classifier of metagenomes might say.
fn prediction(call: &Call, model_id: &str, subject: &str, version: i64) -> Value {
    let mut rng = generator(call.world.seed, &["model", model_id, subject]);
    let risk = significant(rng.random_range(0.02..0.98), 4);
    let mut plot = |count: usize| (0..count).map(|_| rng.random_range(0.0..1.0)).collect::<Vec<f64>>();
    json!({
        "model_code": 0,
        "model_msg": "success",
        "model_data": {
            "predict_class": if risk < 0.5 { "control" } else { "Colorectal cancer" },
            "disease_probability": risk,
            "predict_probability": {"control": significant(1.0 - risk, 4), "Colorectal cancer": risk},
            "plot_object": null,
            "verbose": null,
            "threshold": 0.5,
            "background": [
                {"group": "case", "plot_coord": {"y": plot(8), "x": "case"}},
                {"group": "control", "plot_coord": {"probability": plot(6), "group": "control"}},
            ],
            "version": version,
            // The model's own parameters, as it got them.
            "params": to_object(&call.request.query),
        },
    })
}

/// A whole number of something, at least 1.
fn size(call: &Call, name: &str, config: &mut Map<String, Value>) -> Result<(), Refusal> {
    if let Some(value) = call.int(name, 1..=1_048_576)? {
        config.insert(name.into(), json!(value));
    }
    Ok(())
}

fn is_zip(content: &[u8]) -> bool {
    content.starts_with(b"PK\x03\x04") || content.starts_with(b"PK\x05\x06")
}

pub fn deploy(call: &Call) -> Result<Data, Refusal> {
    let model_id = call.need("model_id")?;
    let mut config = Map::new();
    for name in ["memory_size", "disk_size", "timeout"] {
        size(call, name, &mut config)?;
    }
    if let Some(text) = call.get("cpu") {
        let cpu = text.parse::<f64>().ok().filter(|cpu| *cpu > 0.0 && cpu.is_finite());
        config.insert("cpu".into(), json!(cpu.ok_or_else(|| Refusal::argument("cpu", "应为正数"))?));
    }
    for name in ["handler", "runtime", "comment"] {
        config.extend(call.get(name).map(|value| (name.to_owned(), json!(value))));
    }
    let source = match (call.zip("source_file")?, call.get("object_name")) {
        (Some(file), None) => {
            // A source too large to be looked into is taken for what it says it is.
            if file.size == 0 || file.content().is_some_and(|content| !is_zip(&content)) {
                return Err(Refusal::argument("source_file", "文件须为 zip 压缩文件"));
            }
            Some(json!({"filename": file.filename, "size": file.size, "sha256": file.sha256}))
        }
        (None, Some(object)) => {
            if !call.world.store.exists(object) {
                return Err(Refusal::argument("object_name", "文件不存在"));
            }
            Some(json!({"object_name": object}))
        }
        (None, None) => None,
        _ => return Err(Refusal::argument("source_file", "source_file 与 object_name 只能提供其中之一")),
    };
    let deploys = source.is_some();
    config.extend(source.map(|source| ("source".to_owned(), source)));
    let version = {
        let mut models = call.world.models();
        let model = models.get(model_id).ok_or_else(Refusal::no_model)?;
        if deploys {
            let last = model.versions.iter().map(|version| version.number).max().unwrap_or(0);
            model.deployed = model.deployed.max(last) + 1;
        }
        model.config.extend(config);
        model.deployed
    };
    if call.get("object_name").is_none() {
        return Ok(Data::Json(json!({"version": version})));
    }
    let options = call.world.options();
    Ok(Data::Json(call.world.tasks().start(
        "deploy",
        json!({"model_id": model_id, "version": version}),
        &options,
    )))
}

pub fn publish(call: &Call) -> Result<Data, Refusal> {
    let (model_id, message) = (call.need("model_id")?, call.need("message")?.to_owned());
    let mut models = call.world.models();
    let model = models.get(model_id).ok_or_else(Refusal::no_model)?;
    let last = model.versions.iter().map(|version| version.number).max().unwrap_or(0);
    let number = model.deployed.max(last + 1);
    model.versions.push(Version { number, message, created: OffsetDateTime::now_utc() });
    model.current = number;
    model.deployed = number;
    Ok(Data::Json(json!({"version": number})))
}

pub fn rollback(call: &Call) -> Result<Data, Refusal> {
    let model_id = call.need("model_id")?;
    let version = call.need_int("version", 1..=i64::MAX)?;
    let mut models = call.world.models();
    let model = models.get(model_id).ok_or_else(Refusal::no_model)?;
    if !model.versions.iter().any(|known| known.number == version) {
        return Err(Refusal::argument("version", "版本不存在"));
    }
    model.current = version;
    Ok(Data::Json(json!({"version": version})))
}

pub fn versions(call: &Call) -> Result<Data, Refusal> {
    let model_id = call.ids.first().copied().unwrap_or_default();
    let (number, limit) = (call.page("next_page")?, call.limit(10, None)?);
    let mut models = call.world.models();
    let model = models.get(model_id).ok_or_else(Refusal::no_model)?;
    let listed = call.walking().by_number(number, limit, model.versions.len());
    let newest_first = model.versions.iter().rev().skip(listed.page.start).take(listed.page.rows());
    let rows = newest_first.map(|version| {
        json!({
            "version": version.number,
            "message": version.message,
            "create_time": version.created.unix_timestamp(),
            "current": version.number == model.current,
        })
    });
    Ok(Data::Json(json!({
        "model_id": model_id,
        "result": rows.collect::<Vec<_>>(),
        "count": listed.count,
        "next_page": listed.next,
    })))
}

pub fn expfs(call: &Call) -> Result<Data, Refusal> {
    let model_id = call.need("model_id")?;
    let file = call.zip("expfs")?.ok_or_else(|| Refusal::argument("expfs", "缺少必填参数"))?;
    if file.size == 0 || file.content().is_some_and(|content| !is_zip(&content)) {
        return Err(Refusal::argument("expfs", "文件须为 zip 压缩文件"));
    }
    let described = json!({"filename": file.filename, "size": file.size, "sha256": file.sha256});
    call.world.models().get(model_id).ok_or_else(Refusal::no_model)?.expfs = Some(described.clone());
    let options = call.world.options();
    Ok(Data::Json(call.world.tasks().start("expfs", described, &options)))
}

pub fn license(call: &Call) -> Result<Data, Refusal> {
    let model_id = call.need("model_id")?;
    let expires = call.int("expires", 1..=31_536_000)?.unwrap_or(60);
    let params = call.json("params")?;
    call.world.models().get(model_id).ok_or_else(Refusal::no_model)?;
    let mut rng = rand::rng();
    let (key, sign): ([u8; 32], [u8; 48]) = (rng.random(), rng.random());
    let license = format!("{}_{}", BASE64_STANDARD.encode(key), BASE64_STANDARD.encode(sign));
    Ok(Data::Json(json!({
        "model_id": model_id,
        "license_key": license,
        "license_id": hex::encode(&key[..8]),
        "expire_time": OffsetDateTime::now_utc().unix_timestamp() + expires,
        "params": params,
    })))
}

pub fn document(call: &Call) -> Result<Data, Refusal> {
    let body = call.request.json.as_ref().ok_or_else(|| Refusal::argument("body", "应为 JSON"))?;
    let text = |name: &str| {
        let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::argument(name, "缺少必填参数"))
    };
    let (tab, model_id) = (text("doc_tab")?, text("model_id")?);
    let content = body.get("doc_content").filter(|content| !content.is_null());
    let content = content.ok_or_else(|| Refusal::argument("doc_content", "缺少必填参数"))?;
    let mut models = call.world.models();
    let model = models.get(model_id).ok_or_else(Refusal::no_model)?;
    let document = model.documents.entry(tab.to_owned()).or_insert((0, Value::Null));
    *document = (document.0 + 1, content.clone());
    Ok(Data::Json(json!({"model_id": model_id, "version": document.0})))
}
