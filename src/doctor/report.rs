//! What was found.

use serde_json::{Value, json};

use super::words::Language;

/// What is looked at, in this order.
pub(super) const CHECKS: [&str; 12] = [
    "name_lookup",
    "addresses",
    "proxy",
    "tls",
    "platform",
    "clock",
    "credentials",
    "scopes",
    "object_store",
    "round_trip",
    "key_service",
    "rate_limit",
];

struct Finding {
    name: &'static str,
    state: &'static str,
    detail: String,
    hint: Option<String>,
}

pub(super) struct Report {
    pub language: Language,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(language: Language) -> Self {
        Report { language, findings: Vec::new() }
    }

    fn add(&mut self, name: &'static str, state: &'static str, detail: String, hint: Option<String>) {
        debug_assert!(CHECKS.contains(&name), "{name}");
        self.findings.push(Finding { name, state, detail, hint });
    }

    pub(super) fn ok(&mut self, name: &'static str, detail: String) {
        self.add(name, "ok", detail, None);
    }

    pub(super) fn warning(&mut self, name: &'static str, detail: String, hint: String) {
        self.add(name, "warning", detail, Some(hint));
    }

    pub(super) fn failed(&mut self, name: &'static str, detail: String, hint: String) {
        self.add(name, "failed", detail, Some(hint));
    }

    /// A later look showed that it is wrong after all.
    pub(super) fn replace(&mut self, name: &'static str, detail: String, hint: String) {
        self.findings.retain(|finding| finding.name != name);
        self.failed(name, detail, hint);
    }

    pub(super) fn skipped(&mut self, name: &'static str, detail: String) {
        self.add(name, "skipped", detail, None);
    }

    /// The findings in their order; what nobody looked at stands on what was wrong.
    pub(super) fn into_json(self) -> Vec<Value> {
        let language = self.language;
        let all =
            CHECKS.iter().map(|name| match self.findings.iter().find(|finding| finding.name == *name) {
                Some(found) => {
                    json!({"name": name, "state": found.state, "detail": found.detail, "hint": found.hint})
                }
                None => {
                    let why = language
                        .say("not looked at: something before it is wrong", "未检查：前面的检查未通过");
                    json!({"name": name, "state": "skipped", "detail": why, "hint": null})
                }
            });
        all.collect()
    }
}
