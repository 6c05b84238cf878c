//! Phenotypes that applications write.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::world::data::elements;
use crate::world::data::seed::uuid;
use crate::world::data::streams::{Record, parse_time};

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
    let mut phenotypes = call.world.phenotypes();
    if !twice && phenotypes.of(&sample.biosample_id, element.id).iter().any(|record| record.at == at) {
        return Err(Refusal::argument("stream_generate_time", "数据已存在"));
    }
    let stream_id = uuid(&mut rand::rng());
    let created = OffsetDateTime::now_utc();
    let record = Record { stream_id: stream_id.clone(), at, created, data, namespace: "phenotype" };
    phenotypes.write(sample.biosample_id.clone(), element.id, record);
    Ok(Data::Json(json!({"stream_id": stream_id})))
}
