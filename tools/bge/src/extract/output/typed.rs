//! Times as timestamps and lists as lists, for formats that have them. What does not fit stays in `extra` as it came.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray,
    builder::{ArrayBuilder, Int64Builder, ListBuilder, StringBuilder},
    cast::downcast_array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::value::RawValue;

/// Columns of JSON whose values are lists, and of what.
const LISTS: [(&str, Kind); 8] = [
    ("platform_labels", Kind::Texts),
    ("sequencing_platform", Kind::Texts),
    ("sequencing_sequencing_time", Kind::Texts),
    ("sequencing_instrument_model", Kind::Texts),
    ("sequencing_read_type", Kind::Texts),
    ("alternate_id", Kind::Texts),
    ("variant_alternate_base", Kind::Texts),
    ("variant_call_ad", Kind::Numbers),
];
const EXTRA: &str = "extra";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Texts,
    Numbers,
}

/// Converts batches of one schema.
pub struct Typed {
    schema: SchemaRef,
    kinds: Vec<(usize, Kind)>,
    extra: Option<usize>,
}

impl Typed {
    pub fn new(schema: &SchemaRef) -> Self {
        let mut kinds = Vec::new();
        let fields = schema.fields().iter().enumerate().map(|(place, field)| {
            let Some(kind) = kind(field) else { return field.as_ref().clone() };
            kinds.push((place, kind));
            let to = match kind {
                Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
                Kind::Texts => list_of(DataType::Utf8),
                Kind::Numbers => list_of(DataType::Int64),
            };
            field.as_ref().clone().with_data_type(to)
        });
        let fields: Vec<Field> = fields.collect();
        let extra = fields.iter().position(|field| field.name() == EXTRA);
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Typed { schema, kinds, extra }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let mut columns = batch.columns().to_vec();
        // What did not fit, by its row.
        let mut rest: Vec<(usize, String)> = Vec::new();
        for (place, kind) in &self.kinds {
            let texts: StringArray = downcast_array(batch.column(*place));
            let name = self.schema.field(*place).name();
            let mut misfit = |row: usize, text: &str, is_json: bool| {
                let json = if is_json { text.to_owned() } else { serde_json::Value::from(text).to_string() };
                rest.push((row, format!("{}:{json}", serde_json::Value::from(name.as_str()))));
            };
            columns[*place] = match kind {
                Kind::Time => times(&texts, &mut misfit),
                Kind::Texts => lists(&texts, StringBuilder::new(), is_text, add_text, &mut misfit),
                Kind::Numbers => lists(&texts, Int64Builder::new(), is_number, add_number, &mut misfit),
            };
        }
        if let (Some(extra), false) = (self.extra, rest.is_empty()) {
            columns[extra] = with_rest(&downcast_array(batch.column(extra)), rest);
        }
        RecordBatch::try_new(self.schema.clone(), columns)
    }
}

fn list_of(kind: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", kind, true)))
}

fn kind(field: &Field) -> Option<Kind> {
    match field.metadata().get("bge.type").map(String::as_str) {
        Some("string") if field.name().ends_with("_time") => Some(Kind::Time),
        Some("json") => LISTS.iter().find(|(name, _)| name == field.name()).map(|(_, kind)| *kind),
        _ => None,
    }
}

fn times(texts: &StringArray, misfit: &mut dyn FnMut(usize, &str, bool)) -> ArrayRef {
    let read = texts.iter().enumerate().map(|(row, text)| {
        let text = text.filter(|text| !text.is_empty())?;
        let time = microseconds(text);
        if time.is_none() {
            misfit(row, text, false);
        }
        time
    });
    Arc::new(read.collect::<TimestampMicrosecondArray>())
}

/// Lists of what `fits`, item by item.
fn lists<B: ArrayBuilder>(
    texts: &StringArray,
    items: B,
    fits: impl Fn(&str) -> bool,
    add: impl Fn(&mut B, &str),
    misfit: &mut dyn FnMut(usize, &str, bool),
) -> ArrayRef {
    let mut lists = ListBuilder::new(items);
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            lists.append_null();
            continue;
        };
        let raw: Option<Vec<&RawValue>> = serde_json::from_str(text).ok();
        // Looked at as a whole first: half a list is none.
        let all = |raw: &Vec<&RawValue>| raw.iter().all(|item| item.get() == "null" || fits(item.get()));
        match raw.filter(all) {
            Some(raw) => {
                raw.iter().for_each(|item| add(lists.values(), item.get()));
                lists.append(true);
            }
            None => {
                misfit(row, text, true);
                lists.append_null();
            }
        }
    }
    Arc::new(lists.finish())
}

fn is_text(raw: &str) -> bool {
    serde_json::from_str::<String>(raw).is_ok()
}

fn add_text(builder: &mut StringBuilder, raw: &str) {
    builder.append_option(serde_json::from_str::<Option<String>>(raw).ok().flatten());
}

fn is_number(raw: &str) -> bool {
    raw.parse::<i64>().is_ok()
}

fn add_number(builder: &mut Int64Builder, raw: &str) {
    builder.append_option(raw.parse().ok());
}

/// The column `extra` with more members.
fn with_rest(extra: &StringArray, rest: Vec<(usize, String)>) -> ArrayRef {
    let mut texts: Vec<Option<String>> = extra.iter().map(|text| text.map(str::to_owned)).collect();
    for (row, member) in rest {
        let Some(text) = texts.get_mut(row) else { continue };
        *text = Some(match text.as_deref().and_then(|text| text.trim_end().strip_suffix('}')) {
            Some("{") | None => format!("{{{member}}}"),
            Some(open) => format!("{open},{member}}}"),
        });
    }
    Arc::new(StringArray::from(texts))
}

/// A date, or a date and a time, since 1970 in microseconds; with an offset as UTC.
fn microseconds(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let longest = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !is(4, b'-') || !is(7, b'-') || !(1..=12).contains(&month) || !(1..=longest).contains(&day) {
        return None;
    }
    // Days since 1970 of the proleptic Gregorian calendar, with the year beginning in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = y.div_euclid(400);
    let in_era = y.rem_euclid(400);
    let days =
        era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let date = days * 86_400_000_000;
    if bytes.len() == 10 {
        return Some(date);
    }
    if !(is(10, b'T') || is(10, b' ')) || !is(13, b':') {
        return None;
    }
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let mut at = 16;
    let (mut second, mut fraction) = (0, 0);
    if is(at, b':') {
        second = number(17, 19)?;
        at = 19;
        if is(at, b'.') {
            let digits = text.get(20..)?.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || digits > 6 {
                return None;
            }
            fraction = number(20, 20 + digits)? * 10_i64.pow(6 - digits as u32);
            at = 20 + digits;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match text.get(at..)? {
        "" | "Z" => 0,
        offset => {
            let sign = match offset.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let digits = offset.get(1..)?.replacen(':', "", 1);
            let all = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let digits: i64 = if all { digits.parse().ok()? } else { return None };
            sign * (digits / 100 * 60 + digits % 100)
        }
    };
    let seconds = (hour * 60 + minute - offset) * 60 + second;
    Some(date + seconds * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow_array::Array;

    use super::*;

    #[test]
    fn times_are_what_the_calendar_says() {
        // Worked out with date -u.
        for (text, wanted) in [
            ("1970-01-01", Some(0)),
            ("2017-07-01", Some(1_498_867_200_000_000)),
            ("2000-02-29T23:59:59Z", Some(951_868_799_000_000)),
            ("2021-04-01 10:11:00.123456", Some(1_617_271_860_123_456)),
            ("2021-04-01T10:11:00.5+08:00", Some(1_617_243_060_500_000)),
            ("1969-12-31T23:59:59-0030", Some(1_799_000_000)),
            ("2021-02-29", None),
            ("2017-07", None),
            ("2017-07-01x", None),
            ("2017-07-01T25:00", None),
            ("2021-04-01T10:11:00.1234567", None),
            ("昨天", None),
        ] {
            assert_eq!(microseconds(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_kept() {
        let field = |name: &str, kind: &str| {
            let about = HashMap::from([("bge.type".to_owned(), kind.to_owned())]);
            Field::new(name, DataType::Utf8, true).with_metadata(about)
        };
        let fields =
            [field("update_time", "string"), field("variant_call_ad", "json"), field("extra", "json")];
        let schema: SchemaRef = Arc::new(Schema::new(fields.to_vec()));
        let column = |texts: Vec<Option<&str>>| Arc::new(StringArray::from(texts)) as ArrayRef;
        let batch = RecordBatch::try_new(
            schema.clone(),
            vec![
                column(vec![Some("2017-07-01"), Some("soon"), None, Some("")]),
                column(vec![Some("[44, null,47]"), Some("[1.5]"), None, Some("{\"a\": 1}")]),
                column(vec![None, Some("{\"new\":1}"), Some("{\"x\":2}"), None]),
            ],
        );
        let typed = Typed::new(&schema);
        let batch = batch.and_then(|batch| typed.convert(&batch)).unwrap_or_else(|cause| panic!("{cause}"));
        let extra: StringArray = downcast_array(batch.column(2));
        let told: Vec<Option<&str>> = extra.iter().collect();
        assert_eq!(
            told,
            [
                None,
                Some(r#"{"new":1,"update_time":"soon","variant_call_ad":[1.5]}"#),
                Some(r#"{"x":2}"#),
                Some(r#"{"variant_call_ad":{"a": 1}}"#)
            ]
        );
        assert_eq!(batch.column(0).null_count(), 3);
        assert_eq!(batch.column(1).null_count(), 3);
    }
}
