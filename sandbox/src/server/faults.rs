//! Faults on demand: which requests are to go wrong, how, and how often.

use std::sync::Mutex;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::pattern::matches;
use super::side::Side;
use crate::world::lock::lock;

/// A fault as it is asked for: `POST /__sandbox__/faults`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// Any method unless given.
    pub method: Option<String>,
    /// Any path unless given; `*` stands for any text, and without one the path must be equal.
    pub path: Option<String>,
    /// The same for the raw query.
    pub query: Option<String>,
    /// Both sides unless given.
    pub side: Option<Side>,
    /// How many requests; 0 is all of them.
    #[serde(default = "one")]
    pub count: u64,
    /// How many matching requests go through unharmed first.
    #[serde(default)]
    pub skip: u64,
    /// Do what was asked for, and break only the answer.
    #[serde(default)]
    pub after_work: bool,
    /// Read the request's body before going wrong.
    #[serde(default = "yes")]
    pub consume_body: bool,
    #[serde(flatten)]
    pub kind: Kind,
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// An HTTP status. The body is a short HTML page, or `body`, or an envelope (platform) or error XML (store).
    Status {
        status: u16,
        #[serde(default)]
        headers: Map<String, Value>,
        #[serde(default)]
        envelope: Option<Value>,
        #[serde(default)]
        xml: Option<Xml>,
        #[serde(default)]
        body: Option<String>,
        /// For bytes that are not text.
        #[serde(default)]
        body_base64: Option<String>,
        #[serde(default)]
        content_type: Option<String>,
    },
    /// A platform code in an envelope.
    Code {
        code: i64,
        #[serde(default)]
        msg: Option<String>,
        #[serde(default)]
        data: Value,
        #[serde(default = "ok")]
        status: u16,
    },
    /// A pause before the answer begins.
    DelayHeaders { ms: u64 },
    /// A pause in the body, after so many bytes.
    DelayBody {
        ms: u64,
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// No answer, ever; the connection stays open.
    Hang,
    /// A TCP RST instead of an answer, after so many bytes of the request's body if that is given.
    Reset {
        #[serde(default)]
        request_bytes: Option<u64>,
    },
    /// A TCP RST after so many bytes of the answer's body.
    ResetBody {
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// The connection ends in good order after so many bytes of the body, fewer than Content-Length says.
    Truncate {
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// A whole answer, and then the connection ends without having said so.
    Close {
        #[serde(default)]
        reset: bool,
    },
    /// One byte of the body is not what it should be.
    Corrupt {
        #[serde(default)]
        offset: Option<u64>,
        #[serde(default = "high_bit")]
        xor: u8,
    },
    /// A captive portal: 200 and an HTML page.
    Html,
    /// Code 403.
    ExpiredToken {
        #[serde(default = "ok")]
        status: u16,
    },
    /// The store's SecurityTokenExpired.
    ExpiredSts,
    /// Content-Type says JSON, but it is none.
    NotJson {
        #[serde(default)]
        body: Option<String>,
    },
    /// Code 0, and `data` is null.
    NullData,
    /// The body comes in small pieces.
    Drip { bytes: u64, interval_ms: u64 },
    /// Another place to look.
    Redirect {
        location: String,
        #[serde(default = "found")]
        status: u16,
    },
    /// Content-Encoding says gzip, but it is none.
    GzipGarbage,
}

/// The parts of an error answer of the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xml {
    pub code: String,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub ec: Option<String>,
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

fn high_bit() -> u8 {
    0x80
}

impl Kind {
    pub fn name(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v["kind"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn check(&self) -> Result<(), String> {
        let status = match self {
            Kind::Status { status, .. }
            | Kind::Code { status, .. }
            | Kind::ExpiredToken { status }
            | Kind::Redirect { status, .. } => *status,
            Kind::Corrupt { xor: 0, .. } => return Err("`xor` of 0 corrupts nothing".into()),
            Kind::Drip { bytes: 0, .. } => return Err("`bytes` must be at least 1".into()),
            _ => return Ok(()),
        };
        if (200..600).contains(&status) {
            Ok(())
        } else {
            Err(format!("{status} is no HTTP status from 200 to 599"))
        }
    }
}

#[derive(Debug)]
struct Planned {
    id: u64,
    fault: Fault,
    seen: u64,
    applied: u64,
}

#[derive(Debug, Default)]
struct Plans {
    last_id: u64,
    plans: Vec<Planned>,
}

impl Plans {
    fn push(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.plans.push(Planned { id: self.last_id, fault, seen: 0, applied: 0 });
        self.last_id
    }
}

fn parse(asked: &Value) -> Result<Fault, String> {
    let members = asked.as_object().ok_or("a fault is a JSON object")?;
    let fault = Fault::deserialize(asked).map_err(|error| error.to_string())?;
    fault.kind.check()?;
    // Every member is written out, also those that were left to their defaults: what is not there is not known.
    let known = serde_json::to_value(&fault).map_err(|error| error.to_string())?;
    match members.keys().find(|name| known.get(name.as_str()).is_none()) {
        Some(name) => Err(format!("a fault of this kind has no `{name}`")),
        None => Ok(fault),
    }
}

/// The faults that are waiting for their requests, in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Mutex<Plans>,
}

impl Faults {
    /// Adds one fault; the answer is its number.
    pub fn add(&self, asked: &Value) -> Result<u64, String> {
        let fault = parse(asked)?;
        Ok(self.lock().push(fault))
    }

    /// Adds all of these faults, or none if one of them cannot be.
    pub fn add_all(&self, asked: &[Value]) -> Result<Vec<u64>, String> {
        let faults = asked.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let mut plans = self.lock();
        Ok(faults.into_iter().map(|fault| plans.push(fault)).collect())
    }

    /// The fault for this request, if there is one: the first that matches and is neither skipping nor spent. Faults
    /// before it that match count the request as seen.
    pub fn take(&self, side: Side, method: &Method, path: &str, query: &str) -> Option<Fault> {
        let mut planned = self.lock();
        for plan in &mut planned.plans {
            let fault = &plan.fault;
            let spent = fault.count != 0 && plan.applied >= fault.count;
            let hit = !spent
                && fault.side.is_none_or(|wanted| wanted == side)
                && fault.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
                && fault.path.as_ref().is_none_or(|pattern| matches(pattern, path))
                && fault.query.as_ref().is_none_or(|pattern| matches(pattern, query));
            if !hit {
                continue;
            }
            plan.seen += 1;
            if plan.seen <= fault.skip {
                continue;
            }
            plan.applied += 1;
            return Some(fault.clone());
        }
        None
    }

    pub fn clear(&self) {
        self.lock().plans.clear();
    }

    pub fn to_json(&self) -> Value {
        self.lock()
            .plans
            .iter()
            .map(|plan| {
                let mut fault = json!({"id": plan.id, "seen": plan.seen, "applied": plan.applied});
                if let (Ok(Value::Object(parts)), Value::Object(all)) =
                    (serde_json::to_value(&plan.fault), &mut fault)
                {
                    all.extend(parts);
                }
                fault
            })
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plans> {
        lock(&self.planned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_then_count_then_nothing() {
        let faults = Faults::default();
        faults.add(&json!({"path": "/ping", "skip": 1, "count": 2, "kind": "hang"})).unwrap();
        let hit = |path| faults.take(Side::Platform, &Method::GET, path, "").is_some();
        let seen: Vec<_> = ["/ping", "/profile", "/ping", "/ping", "/ping"].into_iter().map(hit).collect();
        assert_eq!(seen, [false, false, true, true, false]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let faults = Faults::default();
        assert!(faults.add(&json!({"kind": "status"})).is_err());
        assert!(faults.add(&json!({"kind": "status", "status": 99})).is_err());
        assert!(faults.add(&json!({"kind": "unheard_of"})).is_err());
        assert!(faults.add(&json!({"kind": "corrupt", "xor": 0})).is_err());
        assert!(faults.add(&json!({"path": "/ping"})).is_err());
        assert!(faults.add(&json!({"kind": "hang", "ms": 5})).is_err());
        assert!(faults.add(&json!({"kind": "hang", "counts": 5})).is_err());
    }
}
