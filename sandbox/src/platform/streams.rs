//! Streams and data items: what was measured of a person over time.

use serde_json::{Value, json};
use time::{Date, Duration, Month, OffsetDateTime};

use super::call::Call;
use super::envelope::{Data, Refusal};
use super::pages::Walk;
use crate::world::data::elements::{self, COLLECTION_ID, ELEMENTS, Element};
use crate::world::data::seed::{digits, generator, significant, timestamp, word};
use crate::world::data::streams::{Record, parse_time, records};

fn element(call: &Call) -> Result<&'static Element, Refusal> {
    let id = call.need("data_element_id")?;
    elements::get(id).ok_or_else(|| Refusal::argument("data_element_id", "数据元不存在"))
}

fn time(call: &Call, name: &str) -> Result<Option<OffsetDateTime>, Refusal> {
    match call.get(name) {
        None => Ok(None),
        Some(text) => parse_time(text).map(Some).ok_or_else(|| Refusal::argument(name, "时间格式错误")),
    }
}

/// The sample asked for; a user who names none means the first of their own.
fn sample_id(call: &Call) -> Result<String, Refusal> {
    if call.get("biosample_id").is_some() {
        return Ok(call.sample()?.biosample_id.clone());
    }
    let caller = call.caller()?;
    if caller.user.is_none() {
        return Err(Refusal::argument("biosample_id", "客户端模式下必须提供"));
    }
    let first = call.world.samples().of(caller).next().map(|sample| sample.biosample_id.clone());
    first.ok_or_else(Refusal::not_your_sample)
}

/// All measurements, made up and written, oldest first.
fn all_records(call: &Call, biosample_id: &str, element: &Element) -> Vec<Record> {
    let mut all = records(call.world.seed, biosample_id, element);
    all.extend(call.world.phenotypes().of(biosample_id, element.id));
    all.sort_by_key(|record| record.at);
    all
}

pub fn range(call: &Call) -> Result<Data, Refusal> {
    let element = element(call)?;
    let (from, until) = (time(call, "start_time")?, time(call, "end_time")?);
    let direction = call.choice("sort_direction", &["asc", "desc"])?.unwrap_or("desc");
    let limit = call.limit(100, None)?;
    let biosample_id = sample_id(call)?;
    let mut chosen = all_records(call, &biosample_id, element);
    chosen.retain(|record| {
        from.is_none_or(|from| record.at >= from) && until.is_none_or(|until| record.at <= until)
    });
    if direction == "desc" {
        chosen.reverse();
    }
    let words = [call.get("start_time"), call.get("end_time")].map(Option::unwrap_or_default);
    let list = [&biosample_id, element.id, words[0], words[1], direction];
    let walk = Walk::new("Stream", call.world.seed, &list);
    let listed = call.walking().by_token(&walk, call.get("next_page"), limit, chosen.len())?;
    let entity = word(&mut generator(call.world.seed, &["entity", &biosample_id]), 25);
    let rows = chosen
        .get(listed.page.range())
        .unwrap_or_default()
        .iter()
        .map(|record| record.to_json(element, &entity));
    Ok(Data::Json(
        json!({"result": rows.collect::<Vec<_>>(), "count": listed.count, "next_page": listed.next}),
    ))
}

const DIMENSIONS: [&str; 7] = ["year", "quarter", "month", "week", "day", "minute", "second"];

/// The start of the period `count` periods after `from`.
fn later(from: OffsetDateTime, dimension: &str, count: i64) -> Option<OffsetDateTime> {
    let months = match dimension {
        "year" => 12,
        "quarter" => 3,
        "month" => 1,
        _ => {
            let seconds = match dimension {
                "week" => 7 * 86_400,
                "day" => 86_400,
                "minute" => 60,
                _ => 1,
            };
            return from.checked_add(Duration::seconds(count.checked_mul(seconds)?));
        }
    };
    let month =
        i64::from(from.year()) * 12 + i64::from(u8::from(from.month())) - 1 + count.checked_mul(months)?;
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(month.rem_euclid(12) + 1).ok()?).ok()?;
    let day = from.day().min(month.length(year));
    Some(from.replace_date(Date::from_calendar_date(year, month, day).ok()?))
}

pub fn aggregate(call: &Call) -> Result<Data, Refusal> {
    let element = element(call)?;
    let dimension = call.need_choice("time_dimension", &DIMENSIONS)?;
    call.need("start_time")?;
    let from = time(call, "start_time")?.ok_or_else(|| Refusal::argument("start_time", "时间格式错误"))?;
    let until = time(call, "end_time")?.unwrap_or_else(OffsetDateTime::now_utc);
    let interval = call.int("interval", 1..=10_000)?.unwrap_or(1);
    let periods = call.int("periods", 1..=100)?.unwrap_or(100);
    let biosample_id = sample_id(call)?;
    let all = all_records(call, &biosample_id, element);
    let mut result = Vec::new();
    for period in 0..periods {
        let bounds =
            later(from, dimension, period * interval).zip(later(from, dimension, (period + 1) * interval));
        let Some((start, end)) = bounds.filter(|(start, _)| *start <= until) else { break };
        let values: Vec<f64> = all
            .iter()
            .filter(|record| record.at >= start && record.at < end && record.at <= until)
            .filter_map(Record::value)
            .collect();
        let sum: f64 = values.iter().sum();
        let some = |value: f64| if values.is_empty() { Value::Null } else { json!(significant(value, 6)) };
        result.push(json!({
            "time": timestamp(start),
            "count": values.len(),
            "sum": some(sum),
            "avg": some(sum / values.len().max(1) as f64),
            "min": some(values.iter().copied().fold(f64::INFINITY, f64::min)),
            "max": some(values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        }));
    }
    Ok(Data::Json(json!({
        "data_element_id": element.id,
        "biosample_id": biosample_id,
        "time_dimension": dimension,
        "interval": interval,
        "count": result.len(),
        "result": result,
    })))
}

/// Rows on a page of data items; the call has no `limit`.
const ITEMS: usize = 10;

pub fn items(call: &Call) -> Result<Data, Refusal> {
    let namespace = call.need("namespace")?;
    call.need("biosample_id")?;
    let ids = call.list("data_element_ids")?;
    let chosen: Vec<&Element> = match (call.get("collection_id"), ids) {
        (Some(COLLECTION_ID) | None, None) => ELEMENTS.iter().collect(),
        (Some(_), None) => return Err(Refusal::argument("collection_id", "数据集不存在")),
        (None, Some(ids)) if ids.len() > 100 => {
            return Err(Refusal::argument("data_element_ids", "最多一次提供100个"));
        }
        (None, Some(ids)) => ids.into_iter().filter_map(elements::get).collect(),
        _ => {
            return Err(Refusal::argument("collection_id", "collection_id 与 data_element_ids 互斥"));
        }
    };
    let number = call.page("next_page")?;
    let sample = call.sample()?;
    let limit = ITEMS.min(usize::try_from(call.world.options().page_cap).unwrap_or(ITEMS));
    let listed = call.walking().by_number(number, limit, chosen.len());
    let rows = chosen.get(listed.page.range()).unwrap_or_default().iter().map(|element| {
        let latest = all_records(call, &sample.biosample_id, element).pop();
        let item = digits(&mut generator(call.world.seed, &["item", &sample.biosample_id, element.id]), 18);
        json!({
            // A 64-bit id as a number, which a double would not hold.
            "data_item_id": item.parse::<u64>().unwrap_or_default(),
            "namespace": namespace,
            "biosample_id": sample.biosample_id,
            "data_element": {
                "data_element_id": element.id,
                "data_element_name": element.name,
                "data_element_description": element.description,
            },
            "value": latest.as_ref().and_then(Record::value),
            "unit": element.unit,
            "update_time": latest.map(|record| timestamp(record.at)),
        })
    });
    Ok(Data::Json(
        json!({"result": rows.collect::<Vec<_>>(), "count": listed.count, "next_page": listed.next}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn periods_of_the_calendar() {
        let from = datetime!(2020-01-31 10:00 +8);
        assert_eq!(later(from, "month", 1), Some(datetime!(2020-02-29 10:00 +8)));
        assert_eq!(later(from, "quarter", 4), Some(datetime!(2021-01-31 10:00 +8)));
        assert_eq!(later(from, "year", 2), Some(datetime!(2022-01-31 10:00 +8)));
        assert_eq!(later(from, "week", 1), Some(datetime!(2020-02-07 10:00 +8)));
        assert_eq!(later(from, "minute", 61), Some(datetime!(2020-01-31 11:01 +8)));
        assert_eq!(later(from, "second", i64::MAX), None);
    }
}
