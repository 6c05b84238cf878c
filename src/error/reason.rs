//! The platform's own reason for a refusal, taken from the `data` of its answer: short, on one line, without personal
//! data.

use serde_json::Value;

use crate::redact;

/// Longer data is no reason but a document.
const LARGEST: usize = 64 * 1024;
/// How deep, how many members and how many characters a reason may be; what is left out shows as `…`.
const DEEPEST: usize = 4;
const MOST: usize = 8;
const LONGEST: usize = 300;

/// Members that only wrap a reason: they need not be named.
const WRAPPERS: [&str; 9] =
    ["message", "msg", "detail", "details", "error", "errors", "reason", "result", "description"];

/// The members that describe a task itself, beside its result.
const OF_A_TASK: [&str; 8] =
    ["task_id", "task_type", "progress", "status", "create_time", "start_time", "update_time", "finish_time"];

/// The reason in the data of a refusal: a text as it is, an object as `member: value; …`.
pub(super) fn of_refusal(data: &str) -> Option<String> {
    detail(parsed(data)?)
}

/// The reason in a task that failed: what it says beside its own name, times and state.
pub(super) fn of_task(task: &str) -> Option<String> {
    let mut task = parsed(task)?;
    if let Value::Object(members) = &mut task {
        members.retain(|name, _| !OF_A_TASK.contains(&name.as_str()));
    }
    detail(task)
}

/// A text of the platform's, without the phone and id-card numbers that it may repeat.
pub(super) fn cleaned(text: &str) -> String {
    redact::without_personal_numbers(text)
}

fn parsed(data: &str) -> Option<Value> {
    if data.len() > LARGEST { None } else { serde_json::from_str(data).ok() }
}

fn detail(data: Value) -> Option<String> {
    let mut reason = Reason::default();
    reason.take("", &data, 0);
    if reason.pieces.is_empty() {
        return None;
    }
    let text = cleaned(&reason.pieces.join("; "));
    let shortened = text.chars().count() > LONGEST;
    let mut line: String = text.chars().take(LONGEST).collect();
    if shortened || reason.is_cut {
        line.push('…');
    }
    Some(line)
}

#[derive(Default)]
struct Reason {
    pieces: Vec<String>,
    is_cut: bool,
}

impl Reason {
    fn take(&mut self, name: &str, value: &Value, depth: usize) {
        if self.pieces.len() >= MOST {
            self.is_cut = true;
            return;
        }
        match value {
            Value::Null => {}
            Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
                let texts: Vec<String> = items.iter().take(MOST).filter_map(scalar).collect();
                self.is_cut |= items.len() > MOST;
                self.piece(name, &texts.join(", "));
            }
            Value::Array(_) | Value::Object(_) if depth >= DEEPEST => self.is_cut = true,
            Value::Array(items) => items.iter().for_each(|item| self.take(name, item, depth + 1)),
            Value::Object(members) => {
                for (member, value) in members {
                    if redact::is_telling(member) {
                        self.piece(&below(name, member), redact::MASK);
                    } else if WRAPPERS.contains(&member.as_str()) {
                        self.take(name, value, depth + 1);
                    } else {
                        self.take(&below(name, member), value, depth + 1);
                    }
                }
            }
            // A bare number or boolean gives no reason.
            Value::Bool(_) | Value::Number(_) if name.is_empty() => {}
            value => self.piece(name, &scalar(value).unwrap_or_default()),
        }
    }

    fn piece(&mut self, name: &str, text: &str) {
        let text = text.trim();
        let piece = match (name, text) {
            (_, "") => return,
            ("", text) => text.to_owned(),
            (name, text) => format!("{name}: {text}"),
        };
        if !self.pieces.contains(&piece) {
            self.pieces.push(piece);
        }
    }
}

fn below(name: &str, member: &str) -> String {
    if name.is_empty() { member.to_owned() } else { format!("{name}.{member}") }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_where_platforms_put_them() {
        for (data, reason) in [
            (r#""外部样品编号已注册""#, Some("外部样品编号已注册")),
            (
                r#"{"external_sample_id": "外部样品编号已注册"}"#,
                Some("external_sample_id: 外部样品编号已注册"),
            ),
            (r#"{"limit": ["太大", "不是整数"], "page": 0}"#, Some("limit: 太大, 不是整数; page: 0")),
            (r#"{"detail": {"errors": [{"field": "a", "message": "b"}]}}"#, Some("field: a; b")),
            (r#"{"files": {"0": {"name": "空"}}}"#, Some("files.0.name: 空")),
            (r#"["a", "b"]"#, Some("a, b")),
            ("null", None),
            ("{}", None),
            ("[]", None),
            ("7", None),
            ("true", None),
            (r#""""#, None),
            (r#"{"a": null, "b": "  "}"#, None),
            ("{", None),
        ] {
            assert_eq!(of_refusal(data).as_deref(), reason, "{data}");
        }
    }

    #[test]
    fn a_task_tells_its_result_only() {
        let task = r#"{"task_id": "7", "progress": "FAILURE", "create_time": "2021", "result": {"message": "任务执行失败"}}"#;
        assert_eq!(of_task(task).as_deref(), Some("任务执行失败"));
        assert_eq!(of_task(r#"{"task_id": "7", "progress": "FAILURE", "result": null}"#), None);
    }

    #[test]
    fn personal_data_and_secrets_are_left_out() {
        for (data, reason) in [
            (r#"{"mobiles": "13800138000", "why": "no"}"#, "mobiles: ***; why: no"),
            (r#"{"access_token": "abcdef"}"#, "access_token: ***"),
            (r#""手机号 13800138000 已注册""#, "手机号 *** 已注册"),
            (r#"{"who": "11010519491231002X"}"#, "who: ***"),
            (r#"{"biosample": "E-B13800138000"}"#, "biosample: E-B13800138000"),
        ] {
            assert_eq!(of_refusal(data).as_deref(), Some(reason), "{data}");
        }
    }

    #[test]
    fn a_reason_is_bounded() {
        let long = of_refusal(&serde_json::json!("长".repeat(10_000)).to_string()).expect("a reason");
        assert_eq!((long.chars().count(), long.chars().last()), (LONGEST + 1, Some('…')));
        let many: Vec<Value> = (0..100).map(|n| serde_json::json!({ "row": n })).collect();
        let many = of_refusal(&serde_json::json!(many).to_string()).expect("a reason");
        assert_eq!(many, "row: 0; row: 1; row: 2; row: 3; row: 4; row: 5; row: 6; row: 7…");
        let deep = format!("{}1{}", "{\"a\":".repeat(50), "}".repeat(50));
        assert_eq!(of_refusal(&deep), None);
        assert_eq!(of_refusal(&format!("\"{}\"", "x".repeat(LARGEST))), None);
    }
}
