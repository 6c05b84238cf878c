//! Streams: the measurements of one data element of one sample over time.

use rand::RngExt;
use rand_distr::{Distribution, Normal};
use serde_json::{Value, json};
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset, macros::datetime};

use super::elements::Element;
use super::seed::{generator, significant, timestamp, uuid};

/// So many measurements are made up for each element of each sample.
const RECORDS: usize = 230;

/// The platform's own time zone, for times that come without one.
const BEIJING: UtcOffset = match UtcOffset::from_hms(8, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};

#[derive(Debug, Clone)]
pub struct Record {
    pub stream_id: String,
    pub at: OffsetDateTime,
    pub created: OffsetDateTime,
    pub data: Value,
    pub namespace: &'static str,
}

impl Record {
    pub fn to_json(&self, element: &Element, user_entity_id: &str) -> Value {
        json!({
            "stream_id": self.stream_id,
            "data_element": {
                "data_element_name": element.name,
                "data_element_id": element.id,
                "data_element_description": element.description,
            },
            "stream_generate_time_mask": "1111-11-11T11:11:11.000000±1111",
            "stream_meta": {"user_entity_id": user_entity_id, "namespace": self.namespace},
            "create_time": timestamp(self.created.to_offset(BEIJING)),
            "stream_data": self.data,
            "stream_generate_time": timestamp(self.at.to_offset(BEIJING)),
        })
    }

    /// The measured number, if there is one.
    pub fn value(&self) -> Option<f64> {
        self.data.get("value").and_then(Value::as_f64)
    }
}

/// Oldest first, one about every five days from 2019 on.
pub fn records(seed: u64, biosample_id: &str, element: &Element) -> Vec<Record> {
    let mut rng = generator(seed, &["stream", biosample_id, element.id]);
    let noise = Normal::new(element.mean, element.spread).ok();
    let mut at = datetime!(2019-01-03 7:30 +8);
    (0..RECORDS)
        .map(|number| {
            at += Duration::seconds(rng.random_range(86_400..9 * 86_400));
            let value = noise.map_or(element.mean, |normal| normal.sample(&mut rng)).abs();
            Record {
                stream_id: uuid(&mut rng),
                at,
                created: at + Duration::seconds(rng.random_range(2..90)),
                data: json!({
                    "value": significant(value, 4),
                    "unit": element.unit,
                    // Serial numbers are 64-bit, beyond what a double can hold.
                    "serial": 9_007_199_254_740_993_i64 + number as i64 * 2,
                    "remark": if number % 7 == 0 { json!("空腹") } else { Value::Null },
                }),
                namespace: "health",
            }
        })
        .collect()
}

/// A time as callers may write it: `1970-01`, `2021-03-02T10:00:00Z`, `2021-04-01 10:11:00.123456`, …
pub fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let (date, rest) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |text| number(text, 2))?;
    let day = parts.next().map_or(Some(1), |text| number(text, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let (clock, offset) = split_offset(rest)?;
    Some(date.with_time(parse_clock(clock)?).assume_offset(offset))
}

fn number(text: &str, digits: usize) -> Option<u32> {
    if text.is_empty() || text.len() > digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn split_offset(text: &str) -> Option<(&str, UtcOffset)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, UtcOffset::UTC));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, BEIJING)) };
    let (clock, offset) = text.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits = offset[1..].replace(':', "");
    let hours = i8::try_from(number(digits.get(..2)?, 2)?).ok()?;
    let minutes = match digits.get(2..) {
        None | Some("") => 0,
        Some(text) => i8::try_from(number(text, 2)?).ok()?,
    };
    Some((clock, UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?))
}

fn parse_clock(text: &str) -> Option<Time> {
    if text.is_empty() {
        return Some(Time::MIDNIGHT);
    }
    let mut parts = text.split(':');
    let hour = u8::try_from(number(parts.next()?, 2)?).ok()?;
    let minute = u8::try_from(parts.next().map_or(Some(0), |text| number(text, 2))?).ok()?;
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return None;
    }
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let second = u8::try_from(number(second, 2)?).ok()?;
    let micro = number(&format!("{fraction:0<6}"), 6)?;
    Time::from_hms_micro(hour, minute, second, micro).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_their_many_spellings() {
        assert_eq!(parse_time("1970-01"), Some(datetime!(1970-01-01 0:00 +8)));
        assert_eq!(parse_time("2021"), Some(datetime!(2021-01-01 0:00 +8)));
        assert_eq!(parse_time("2021-03-02T10:00:00Z"), Some(datetime!(2021-03-02 10:00 UTC)));
        assert_eq!(parse_time("2021-04-01 10:11:00.123456"), Some(datetime!(2021-04-01 10:11:00.123456 +8)));
        assert_eq!(parse_time("2021-04-01T10:11+0100"), Some(datetime!(2021-04-01 10:11 +1)));
        assert_eq!(parse_time("2021-04-01T10:11:09-03:30"), Some(datetime!(2021-04-01 10:11:09 -3:30)));
        for wrong in ["", "yesterday", "2021-13", "2021-02-30", "2021-01-01T25:00", "2021-1-1-1", "-5"] {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn records_come_in_the_order_of_time() {
        let records = records(1, "E-B1", &super::super::elements::ELEMENTS[0]);
        assert_eq!(records.len(), RECORDS);
        assert!(records.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(records.iter().all(|record| record.value().is_some()));
    }
}
