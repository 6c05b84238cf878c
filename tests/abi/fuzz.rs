//! Arguments of any kind, against an independent decoder: the sandbox's. And bytes of any kind, which must never crash.

use serde_json::{Map, Value, json};

use crate::support::{Sandbox, c::Api, count};

/// The same numbers for the same seed.
struct Dice(fastrand::Rng);

impl Dice {
    fn text(&mut self) -> String {
        let length = self.0.usize(0..12);
        (0..length)
            .map(|_| match self.0.u8(0..6) {
                0 => self.0.char('a'..='z'),
                1 => self.0.char('\u{20}'..='\u{7e}'),
                2 => self.0.char('一'..='龥'),
                3 => self.0.char('\u{1}'..='\u{1f}'),
                4 => ['&', '=', '+', '%', ';', '/', '"', '\\', '\u{7f}', '\u{2028}', '\u{feff}']
                    [self.0.usize(0..11)],
                _ => self.0.char('\u{1}'..='\u{10ffff}'),
            })
            .collect()
    }

    fn scalar(&mut self) -> Value {
        match self.0.u8(0..5) {
            0 => json!(self.0.bool()),
            1 => json!(self.0.i64(..)),
            2 => json!(self.0.f64() * 1e-9),
            _ => json!(self.text()),
        }
    }

    fn value(&mut self, depth: u8) -> Value {
        match self.0.u8(0..8) {
            0 if depth > 0 => (0..self.0.usize(1..4)).map(|_| self.value(depth - 1)).collect(),
            1 if depth > 0 => {
                Value::Object((0..self.0.usize(0..4)).map(|_| (self.text(), self.value(depth - 1))).collect())
            }
            _ => self.scalar(),
        }
    }
}

/// How the document says that a value is written.
fn spelled(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn seed() -> u64 {
    let seed = std::env::var("BGE_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..));
    println!("BGE_TEST_SEED={seed}");
    seed
}

#[test]
fn any_argument_arrives_as_it_was_given() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let mut dice = Dice(fastrand::Rng::with_seed(seed()));
    for round in 0..count(400, 20_000) {
        let mut args = Map::new();
        for number in 0..dice.0.usize(1..6) {
            let name = format!("{number}{}", dice.text());
            args.insert(name, dice.value(2));
        }
        let mut wanted: Vec<(String, String)> = Vec::new();
        for (name, value) in &args {
            match value {
                Value::Array(items) => wanted.extend(items.iter().map(|item| (name.clone(), spelled(item)))),
                other => wanted.push((name.clone(), spelled(other))),
            }
        }
        let method = if round % 2 == 0 { "GET" } else { "POST" };
        sandbox.clear_log();
        let _ = api.request(method, "/no/such/endpoint", Value::Object(args.clone()));
        let entry = &sandbox.log()[0];
        let list = if method == "GET" { &entry["query_pairs"] } else { &entry["form_pairs"] };
        let seen: Vec<(String, String)> = serde_json::from_value(list.clone()).expect("pairs");
        assert_eq!(seen, wanted, "{args:?}");
    }
}

#[test]
fn any_id_stays_one_segment() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let mut dice = Dice(fastrand::Rng::with_seed(seed()));
    for _ in 0..count(200, 5_000) {
        let id = dice.text();
        sandbox.clear_log();
        let failure = api.call("task", json!({"task_id": id})).expect_err("no such task");
        if matches!(id.as_str(), "" | "." | "..") {
            assert_eq!(failure.status, 1);
        } else {
            let entry = &sandbox.log()[0];
            assert_eq!(entry["segments"], json!(["task", id]), "{id:?}");
        }
    }
}

#[test]
fn any_bytes_as_args_json_are_an_answer_or_an_argument_error() {
    let api = Api::new("token", r#"{"endpoint": "http://127.0.0.1:9", "max_retries": 0, "timeout": 1}"#)
        .expect("a client");
    let mut dice = Dice(fastrand::Rng::with_seed(seed()));
    let seeds = [
        r#"{"biosample_id": "E-B1", "rsids": ["rs1", 2], "$": {"timeout": 1.5, "headers": {"a": "b"}}}"#,
        r#"{"model_id": "m", "doc_tab": "t", "doc_content": {"a": [1, 2, {"b": null}]}}"#,
        "{}",
    ];
    let names = [
        "get_variants",
        "upload_model_doc",
        "get_samples",
        "deploy_model",
        "get_overview",
        "upload_file",
        "download",
    ];
    for round in 0..count(20_000, 2_000_000) {
        let mut text = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..dice.0.usize(1..6) {
            let at = dice.0.usize(0..text.len() + 1).min(text.len());
            match dice.0.u8(0..4) {
                0 if !text.is_empty() => drop(text.remove(at.min(text.len() - 1))),
                1 => text.insert(at, b"{}[]\":,0-.eE\\u"[dice.0.usize(0..14)]),
                2 if at < text.len() => text[at] = dice.0.u8(1..),
                _ => text.truncate(at.max(1)),
            }
        }
        text.retain(|byte| *byte != 0);
        let text = String::from_utf8_lossy(&text).into_owned();
        let failure = api.call_text(names[round % names.len()], &text).expect_err("nobody answers");
        assert!([1, 2, 3, 10].contains(&failure.status), "{text}: {}", failure.message);
        assert!(!failure.message.contains('\n'));
    }
}

#[test]
fn any_bytes_as_an_answer_are_a_result_or_a_protocol_error() {
    let mut dice = Dice(fastrand::Rng::with_seed(seed()));
    let seeds = [
        r#"{"code": 0, "msg": "成功", "data": {"result": [1, 2], "next_page": "x"}, "pagination": {"count": 1, "page": 2}}"#,
        r#"{"code": 41001, "msg": "参数错误", "data": null}"#,
        r#"{"code": 0, "data": "\ud83d\ude00 \u0000"}"#,
    ];
    for round in 0..count(100_000, 10_000_000) {
        let mut text = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..dice.0.usize(0..5) {
            let at = dice.0.usize(0..text.len());
            match dice.0.u8(0..3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, b"{}[]\":,0-.eE\\u"[dice.0.usize(0..14)]),
                _ => text[at] = dice.0.u8(..),
            }
        }
        let outcome = bge::data_of_envelope(200, &text);
        // Worked out by another reader of JSON: a whole-number code of 0, and nothing behind the object.
        let whole = std::str::from_utf8(&text).ok().and_then(|text| serde_json::from_str::<Value>(text).ok());
        if whole.is_none() && text.windows(2).any(|pair| pair == b"\\u") {
            // Half of a surrogate pair is good grammar, but no text: the library hands it on as it is.
            continue;
        }
        let code = whole.as_ref().and_then(|whole| whole.as_object()?.get("code"));
        if code.and_then(Value::as_f64).is_some_and(|code| code == 0.0 && code.is_sign_negative()) {
            // The other reader does not tell -0, which is a whole number, from -0.0, which is none.
            continue;
        }
        let code = code.and_then(Value::as_i64);
        match (code, outcome) {
            (Some(0), Ok(data)) => {
                let data: Value = serde_json::from_str(&data).expect("data is JSON");
                assert_eq!(
                    Some(&data),
                    whole.as_ref().map(|whole| whole.get("data").unwrap_or(&Value::Null))
                );
            }
            (Some(code), Err(error)) if code != 0 => {
                assert!([5, 6].contains(&(error.status() as i32)), "{error}")
            }
            (_, Err(error)) => assert_eq!(error.status() as i32, 7, "{error}"),
            (code, Ok(data)) => panic!("{code:?} gave {data}: {}", String::from_utf8_lossy(&text)),
        }
    }
}

#[test]
fn bad_bytes_come_through_a_real_connection_too() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"max_retries": 0}));
    for (body, status) in [
        ("{\"code\":0,\"data\":\"\u{fffd}\"}".as_bytes(), 0),
        (b"{\"code\":0,\"data\":\"\xff\"}", 7),
        (b"\0", 7),
    ] {
        sandbox.fault(
            json!({"path": "/profile", "kind": "status", "status": 200, "content_type": "application/json",
                             "body_base64": base64(body)}),
        );
        let outcome = api.call("get_user", json!({}));
        assert_eq!(outcome.map_or_else(|failure| failure.status, |_| 0), status);
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
