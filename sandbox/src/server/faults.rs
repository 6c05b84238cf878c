//! Faults on demand: which requests are to go wrong, how, and how often.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kinds::Kind;
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
    /// How many requests; 0 is all of them. Unless given it is 1, and 0 for a fault that lasts `seconds`.
    pub count: Option<u64>,
    /// The fault is over so long after it was planned.
    pub seconds: Option<f64>,
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

fn yes() -> bool {
    true
}

#[derive(Debug)]
struct Planned {
    id: u64,
    fault: Fault,
    seen: u64,
    applied: u64,
    ends: Option<Instant>,
}

impl Planned {
    fn is_over(&self) -> bool {
        let count = self.fault.count.unwrap_or_default();
        (count != 0 && self.applied >= count) || self.ends.is_some_and(|ends| ends <= Instant::now())
    }
}

#[derive(Debug, Default)]
struct Plans {
    last_id: u64,
    plans: Vec<Planned>,
}

impl Plans {
    fn push(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        let ends = fault.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let ends = ends.and_then(|length| Instant::now().checked_add(length));
        self.plans.push(Planned { id: self.last_id, fault, seen: 0, applied: 0, ends });
        self.last_id
    }
}

fn parse(asked: &Value) -> Result<Fault, String> {
    let members = asked.as_object().ok_or("a fault is a JSON object")?;
    let mut fault = Fault::deserialize(asked).map_err(|error| error.to_string())?;
    fault.kind.check()?;
    if fault.seconds.is_some_and(|seconds| Duration::try_from_secs_f64(seconds).is_err()) {
        return Err("`seconds` must be a length of time".into());
    }
    fault.count.get_or_insert(if fault.seconds.is_some() { 0 } else { 1 });
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
            let hit = !plan.is_over()
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
            let mut fault = fault.clone();
            if let Some(ends) = plan.ends {
                let left = ends.saturating_duration_since(Instant::now());
                fault.kind.tell_seconds_left(left.as_secs_f64().ceil() as u64);
            }
            return Some(fault);
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
    fn a_fault_for_a_time_takes_every_request_and_says_how_long_it_lasts() {
        let faults = Faults::default();
        let headers = json!({"Retry-After": "{left}", "X-Other": "{left} "});
        let outage = json!({"kind": "status", "status": 503, "headers": headers, "seconds": 30.5});
        faults.add(&outage).unwrap();
        for _ in 0..3 {
            let taken = faults.take(Side::Store, &Method::GET, "/", "").unwrap();
            let Kind::Status { headers, .. } = taken.kind else { panic!() };
            let left = headers["Retry-After"].as_u64().unwrap();
            assert!((1..=31).contains(&left), "{left}");
            assert_eq!(headers["X-Other"], "{left} ");
        }
        faults.clear();
        faults.add(&json!({"kind": "hang", "seconds": 0})).unwrap();
        faults.add(&json!({"kind": "hang", "seconds": 30, "count": 1})).unwrap();
        assert!(faults.take(Side::Store, &Method::GET, "/", "").is_some());
        assert!(faults.take(Side::Store, &Method::GET, "/", "").is_none());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let faults = Faults::default();
        assert!(faults.add(&json!({"kind": "status"})).is_err());
        assert!(faults.add(&json!({"kind": "status", "status": 99})).is_err());
        assert!(faults.add(&json!({"kind": "unheard_of"})).is_err());
        assert!(faults.add(&json!({"kind": "corrupt", "xor": 0})).is_err());
        assert!(faults.add(&json!({"path": "/ping"})).is_err());
        assert!(faults.add(&json!({"kind": "hang", "seconds": -1})).is_err());
        assert!(faults.add(&json!({"kind": "content_range"})).is_err());
        assert!(faults.add(&json!({"kind": "content_range", "total": "many"})).is_err());
        assert!(faults.add(&json!({"kind": "hang", "ms": 5})).is_err());
        assert!(faults.add(&json!({"kind": "hang", "counts": 5})).is_err());
    }
}
