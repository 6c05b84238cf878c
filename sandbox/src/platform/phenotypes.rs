//! Phenotypes that applications write.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::Call;
use crate::answer::{Data, Refusal};
use crate::data::elements;
use crate::data::seed::uuid;
use crate::data::streams::{Record, parse_time};

/// What has been written: the sample, the data element, the record.
#[derive(Debug, Default)]
pub struct Phenotypes {
    written: Vec<(String, &'static str, Record)>,
}

impl Phenotypes {
    pub fn of(&self, biosample_id: &str, data_element_id: &str) -> Vec<Record> {
        let same =
            self.written.iter().filter(|(id, element, _)| id == biosample_id && *element == data_element_id);
        same.map(|(_, _, record)| record.clone()).collect()
    }

    pub fn to_json(&self) -> Value {
        self.written
            .iter()
            .map(|(biosample_id, element, record)| {
                json!({
                    "biosample_id": biosample_id,
                    "data_element_id": element,
                    "stream_id": record.stream_id,
                    "stream_data": record.data,
                })
            })
            .collect()
    }
}

pub fn write(call: &Call) -> Result<Data, Refusal> {
    for name in ["biosample_id", "data_element_id", "stream_generate_time", "stream_data"] {
        call.need(name)?;
    }
    let element = elements::get(call.need("data_element_id")?)
        .ok_or_else(|| Refusal::argument("data_element_id", "数据元不存在"))?;
    let at = parse_time(call.need("stream_generate_time")?)
        .ok_or_else(|| Refusal::argument("stream_generate_time", "时间格式错误"))?;
    let data = call
        .json("stream_data")?
        .filter(Value::is_object)
        .ok_or_else(|| Refusal::argument("stream_data", "应为 JSON 对象"))?;
    let twice = call.boolean("duplicate_enabled")?.unwrap_or(false);
    let sample = call.sample()?;
    let mut phenotypes = call.sandbox.phenotypes();
    if !twice && phenotypes.of(&sample.biosample_id, element.id).iter().any(|record| record.at == at) {
        return Err(Refusal::argument("stream_generate_time", "数据已存在"));
    }
    let stream_id = uuid(&mut rand::rng());
    let created = OffsetDateTime::now_utc();
    let record = Record { stream_id: stream_id.clone(), at, created, data, namespace: "phenotype" };
    phenotypes.written.push((sample.biosample_id.clone(), element.id, record));
    Ok(Data::Json(json!({"stream_id": stream_id})))
}
