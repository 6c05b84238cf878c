//! Pages into batches: every value, every misfit, nothing lost.

use arrow_array::{
    Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    cast::{AsArray, downcast_array},
};

use super::{decode::Decoder, schema::Shape};
use crate::platform::endpoint;

fn decoder(name: &str) -> Decoder {
    decoder_of(name, false)
}

fn decoder_of(name: &str, strict: bool) -> Decoder {
    let endpoint = endpoint::find(name).expect(name);
    Decoder::new(Shape::of(endpoint, None), endpoint.pages != endpoint::Pages::None, strict)
}

fn one(name: &str, page: &str, sample: Option<&str>) -> RecordBatch {
    let mut batches = decoder(name).decode(page, sample).expect(page);
    assert_eq!(batches.len(), 1, "{page}");
    batches.remove(0)
}

fn text(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let array: StringArray = downcast_array(batch.column_by_name(column).expect(column));
    array.iter().map(|value| value.map(str::to_owned)).collect()
}

fn int(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let array: Int64Array = downcast_array(batch.column_by_name(column).expect(column));
    array.iter().collect()
}

fn float(batch: &RecordBatch, column: &str) -> Vec<Option<f64>> {
    let array: Float64Array = downcast_array(batch.column_by_name(column).expect(column));
    array.iter().collect()
}

#[test]
fn values_keep_their_bits_and_nesting_becomes_flat() {
    let page = r#" {"count": 2, "next_page": null, "result" : [
        {"observation": {"value": 2.18932050758568e-10, "unit": "percent"},
         "taxonomy": {"taxon_id": "txid815", "taxon_name": "拟杆菌\n\"属\"", "coding": {"system": "s"}},
         "sample_info": {"biosample_id": "E-F1", "sample_time": null},
         "background": {"background": {"0%": 0, "50%" : 1e-07}, "mean": -0.0}, "platform_labels": ["BGISEQ-500"]},
        {"taxonomy": {"rank": ""}}
    ]} "#;
    let batch = one("get_taxon_abundance", page, Some("E-F9"));
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(text(&batch, "biosample_id"), [Some("E-F1".into()), Some("E-F9".into())]);
    assert_eq!(
        float(&batch, "observation_value")[0].map(f64::to_bits),
        Some(2.18932050758568e-10_f64.to_bits())
    );
    assert_eq!(float(&batch, "observation_value")[1], None);
    assert_eq!(float(&batch, "background_mean")[0].map(f64::to_bits), Some((-0.0_f64).to_bits()));
    assert_eq!(text(&batch, "taxonomy_taxon_name"), [Some("拟杆菌\n\"属\"".into()), None]);
    assert_eq!(text(&batch, "taxonomy_rank"), [None, Some(String::new())]);
    assert_eq!(text(&batch, "background_background")[0].as_deref(), Some(r#"{"0%": 0, "50%" : 1e-07}"#));
    assert_eq!(text(&batch, "platform_labels")[0].as_deref(), Some(r#"["BGISEQ-500"]"#));
    assert_eq!(text(&batch, "sample_info_sample_time"), [None, None]);
    assert_eq!(text(&batch, "extra"), [None, None]);
}

#[test]
fn whole_numbers_have_all_64_bits_and_nothing_else_fits() {
    let page = r#"{"result": [
        {"data_item_id": 9007199254740993}, {"data_item_id": -9223372036854775808},
        {"data_item_id": 9223372036854775807}, {"data_item_id": 9223372036854775808}, {"data_item_id": 1.0},
        {"data_item_id": "7"}, {"data_item_id": null}, {}]}"#;
    let batch = one("get_data_items", page, None);
    assert_eq!(
        int(&batch, "data_item_id"),
        [Some(9007199254740993), Some(i64::MIN), Some(i64::MAX), None, None, None, None, None]
    );
    let wanted = [
        None,
        None,
        None,
        Some(r#"{"data_item_id":9223372036854775808}"#.to_owned()),
        Some(r#"{"data_item_id":1.0}"#.to_owned()),
        Some(r#"{"data_item_id":"7"}"#.to_owned()),
        None,
        None,
    ];
    assert_eq!(text(&batch, "extra"), wanted);
}

#[test]
fn what_no_column_holds_is_in_extra_as_it_was_written() {
    let page = r#"{"result": [{"new": {"a" : [1,  2]}, "taxonomy": {"also\nnew": 1e-07, "rank": "genus",
        "coding": {"system": 5, "more": null}, "x": "y{"}, "observation": {"value": 1e999}, "z": true}]}"#;
    let batch = one("get_taxon_abundance", page, Some("E-F1"));
    let wanted = concat!(
        r#"{"new":{"a" : [1,  2]},"taxonomy":{"also\nnew":1e-07,"coding":{"system":5,"more":null},"x":"y{"},"#,
        r#""observation":{"value":1e999},"z":true}"#
    );
    assert_eq!(text(&batch, "extra"), [Some(wanted.to_owned())]);
    assert_eq!(text(&batch, "taxonomy_rank"), [Some("genus".into())]);
    assert_eq!(text(&batch, "taxonomy_coding_system"), [None]);
    serde_json::from_str::<&serde_json::value::RawValue>(wanted).expect("JSON");
}

#[test]
fn misfits_are_counted_and_kept_even_in_the_place_of_objects_and_rows() {
    let rows = [
        (r#"{"taxonomy": 123456789012345678901234567890}"#, r#"{"taxonomy":123456789012345678901234567890}"#),
        (r#"{"taxonomy": ["a" , 1]}"#, r#"{"taxonomy":["a" , 1]}"#),
        (r#"{"taxonomy": "\ud800"}"#, r#"{"taxonomy":"\ud800"}"#),
        (r#"{"taxonomy": {"taxon_id": "\ud800"}}"#, r#"{"taxonomy":{"taxon_id":"\ud800"}}"#),
        (r#"{"taxonomy": {"coding": false}}"#, r#"{"taxonomy":{"coding":false}}"#),
        (r#"{"observation": {"value": 1, "value": 2}}"#, r#"{"observation":{"value":2}}"#),
        (r#"{"observation": {"value": "1.5"}}"#, r#"{"observation":{"value":"1.5"}}"#),
        (r#"{"observation": {"value": 9007199254740993}}"#, r#"{"observation":{"value":9007199254740993}}"#),
        (r#"17"#, "17"),
        (r#"[1]"#, "[1]"),
    ];
    let page = format!("{{\"result\":[{}]}}", rows.map(|(row, _)| row).join(","));
    let mut decoder = decoder("get_taxon_abundance");
    let batches = decoder.decode(&page, Some("E-F1")).expect("rows");
    assert_eq!(text(&batches[0], "extra"), rows.map(|(_, extra)| Some(extra.to_owned())));
    assert_eq!(float(&batches[0], "observation_value")[5], Some(1.0));
    assert_eq!(decoder.misfits(), rows.len() as u64);
    // The same rows one by one are read in the other way.
    for (row, extra) in rows {
        let before = decoder.misfits();
        let batches = decoder.decode(&format!("{{\"result\":[{row}]}}"), None).expect(row);
        assert_eq!(text(&batches[0], "extra"), [Some(extra.to_owned())]);
        assert_eq!(decoder.misfits(), before + 1, "{row}");
    }
    let nothing = decoder.decode(r#"{"result":[null, {"taxonomy": null}]}"#, None).expect("rows");
    assert_eq!(text(&nothing[0], "extra"), [None, None]);
    assert_eq!(nothing[0].column_by_name("taxonomy_rank").expect("a column").null_count(), 2);
    assert_eq!(decoder.misfits(), 2 * rows.len() as u64);
}

#[test]
fn strict_names_the_column() {
    let mut strict = decoder_of("get_samples", true);
    let good = strict.decode(r#"{"result":[{"primary": true, "unknown": 1}]}"#, None).expect("a row");
    assert!(downcast_array::<BooleanArray>(good[0].column_by_name("primary").expect("a column")).value(0));
    for (row, name) in [
        (r#"{"primary": 1}"#, "primary"),
        (r#"{"statistics": {"variant_counting": 1.5}}"#, "statistics_variant_counting"),
        (r#"{"statistics": []}"#, "statistics"),
    ] {
        let error = strict.decode(&format!("{{\"result\":[{{}},{row}]}}"), None).expect_err(row);
        assert_eq!(error.status(), crate::Status::Protocol);
        assert!(error.message().starts_with(&format!("{name} in row 2 ")), "{error}");
    }
    assert_eq!(strict.misfits(), 0);
}

#[test]
fn lists_without_pages_and_answers_without_a_list() {
    let batch = one(
        "get_variants",
        r#"[{"variant": {"call": {"DP": 91, "AD": [44,47]}}}, {"variant": null}]"#,
        Some("E-B1"),
    );
    assert_eq!(int(&batch, "variant_call_dp"), [Some(91), None]);
    assert_eq!(text(&batch, "variant_call_ad"), [Some("[44,47]".into()), None]);
    assert_eq!(text(&batch, "biosample_id"), [Some("E-B1".into()), Some("E-B1".into())]);
    assert!(decoder("get_variants").decode("[]", None).expect("no rows").is_empty());
    for (name, page) in [
        ("get_variants", "null"),
        ("get_variants", r#"{"result": []}"#),
        ("get_samples", "[]"),
        ("get_samples", r#"{"result": {}}"#),
        ("get_samples", r#"{"count": 1}"#),
    ] {
        let error = decoder(name).decode(page, None).expect_err(page);
        assert_eq!(error.status(), crate::Status::Protocol, "{page}");
    }
}

#[test]
fn large_pages_become_several_batches() {
    let rows = (1 << 16) + 3;
    let row = r#"{"version":1}"#;
    let page = format!("{{\"result\":[{}]}}", vec![row; rows].join(","));
    let batches = decoder("model_versions").decode(&page, None).expect("rows");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [1 << 16, 3]);
    assert_eq!(batches[1].column(0).as_primitive::<arrow_array::types::Int64Type>().value(2), 1);
}

/// Any JSON in any place: what the columns hold and what `extra` holds make up the row.
#[test]
fn nothing_of_any_row_is_lost() {
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..if std::env::var_os("BGE_TEST_LONG").is_some() { 200_000 } else { 4_000 } {
        let row = made_up(&mut rng, 0);
        let mut decoder = decoder("get_taxon_abundance");
        let batches = decoder.decode(&format!("{{\"result\":[{row}]}}"), None).expect("rows");
        let batch = &batches[0];
        let mut back = match text(batch, "extra").remove(0) {
            Some(extra) => serde_json::from_str(&extra).expect("JSON"),
            None => serde_json::json!({}),
        };
        let endpoint = endpoint::find("get_taxon_abundance").expect("in the table");
        for column in endpoint.columns {
            let array = batch.column_by_name(column.name).expect(column.name);
            if array.is_null(0) {
                continue;
            }
            let value = match column.kind {
                endpoint::ColumnType::Float64 => float(batch, column.name)[0].into(),
                endpoint::ColumnType::Json => {
                    serde_json::from_str(text(batch, column.name)[0].as_deref().unwrap_or("")).expect("JSON")
                }
                _ => text(batch, column.name)[0].clone().into(),
            };
            put_back(&mut back, column.path, value);
        }
        assert_eq!(without_nulls(back), without_nulls(serde_json::from_str(&row).expect("JSON")), "{row}");
    }
}

fn put_back(at: &mut serde_json::Value, path: &str, value: serde_json::Value) {
    let mut at = at;
    for key in path.split('/').skip(1) {
        at = at.as_object_mut().expect("an object").entry(key).or_insert_with(|| serde_json::json!({}));
    }
    *at = value;
}

/// `null` and an object of nothing but nulls say the same as a member that is not there; a whole number in a column of
/// double precision says the same with `.0` behind it.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => {
            let kept = members.into_iter().map(|(key, value)| (key, without_nulls(value)));
            serde_json::Value::Object(
                kept.filter(|(_, value)| !value.is_null() && *value != serde_json::json!({})).collect(),
            )
        }
        serde_json::Value::Number(number)
            if number.as_i64().is_some_and(|whole| whole.unsigned_abs() < 1 << 53) =>
        {
            number.as_f64().into()
        }
        other => other,
    }
}

fn made_up(rng: &mut fastrand::Rng, depth: u32) -> String {
    const KEYS: [&str; 12] = [
        "taxonomy",
        "observation",
        "background",
        "coding",
        "value",
        "unit",
        "taxon_id",
        "system",
        "mean",
        "platform_labels",
        "new",
        "sample_info",
    ];
    let leaf = |rng: &mut fastrand::Rng| match rng.u8(0..8) {
        0 => "null".to_owned(),
        1 => rng.bool().to_string(),
        2 => rng.i64(..).to_string(),
        // Few digits: the other side of the comparison does not round to the last bit.
        3 => format!("{}.{:03}e-3", rng.u16(..), rng.u16(..)),
        4 => "[1, {\"a\": []}]".to_owned(),
        _ => format!("\"{}\\u6e90{}\"", rng.alphabetic(), rng.char('\u{80}'..'\u{2000}')),
    };
    if depth > 0 && (depth > 3 || rng.bool()) {
        return leaf(rng);
    }
    let mut keys = KEYS;
    rng.shuffle(&mut keys);
    let members: Vec<String> = keys
        .iter()
        .take(rng.usize(0..6))
        .map(|key| format!("\"{key}\": {}", made_up(rng, depth + 1)))
        .collect();
    format!("{{{}}}", members.join(", "))
}
