//! The record of every request received, for tests that assert what a program sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::connection::Connection;
use super::pattern::matches;
use super::side::Side;
use crate::wire::request::{Decoded, decode_pairs, segments, to_object};
use crate::world::lock::lock;

/// What the log may hold in all, roughly; the oldest requests go first.
const BUDGET: usize = 192 * 1024 * 1024;

/// One request. What is known only later is filled in as it happens, so that a request that is still waiting is there too.
#[derive(Debug)]
pub struct Entry {
    pub seq: u64,
    at: f64,
    side: Side,
    connection: u64,
    remote_port: u16,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    cost: AtomicUsize,
    later: Mutex<Later>,
}

#[derive(Debug, Default)]
struct Later {
    decoded: Option<Arc<Decoded>>,
    body: Option<String>,
    body_size: u64,
    body_sha256: Option<String>,
    body_complete: bool,
    status: Option<u16>,
    fault: Option<String>,
}

impl Entry {
    /// The decoded request (platform side).
    pub fn set_decoded(&self, decoded: Arc<Decoded>) {
        self.with(|later| {
            later.body_size = decoded.body_size;
            later.body_complete = true;
            later.decoded = Some(decoded);
        });
    }

    /// The request's body as far as it has come (store side).
    pub fn set_body(&self, size: u64, sha256: Option<String>, text: Option<String>, complete: bool) {
        self.with(|later| {
            later.body_size = size;
            later.body_sha256 = sha256;
            later.body = text;
            later.body_complete = complete;
        });
    }

    pub fn set_status(&self, status: u16) {
        self.with(|later| later.status = Some(status));
    }

    pub fn set_fault(&self, kind: &str) {
        self.with(|later| later.fault = Some(kind.to_owned()));
    }

    fn with(&self, change: impl FnOnce(&mut Later)) {
        change(&mut lock(&self.later));
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        let later = lock(&self.later);
        let query_raw = self.target.split_once('?').map_or("", |(_, query)| query);
        let query = decode_pairs(query_raw);
        let mut entry = json!({
            "seq": self.seq,
            "at": self.at,
            "side": self.side,
            "connection": self.connection,
            "remote_port": self.remote_port,
            "method": self.method,
            "path": self.path(),
            "segments": segments(self.path()),
            "query_raw": query_raw,
            "query": to_object(&query),
            "query_pairs": query,
            "headers": to_object(&self.headers),
            "status": later.status,
            "fault": later.fault,
            "body_size": later.body_size,
            "body_complete": later.body_complete,
        });
        if let Some(sha256) = &later.body_sha256 {
            entry["body_sha256"] = json!(sha256);
        }
        if let Some(body) = &later.body {
            entry["body"] = json!(body);
        }
        if let Some(decoded) = &later.decoded {
            decoded.describe(&mut entry);
        }
        entry
    }
}

#[derive(Debug, Default)]
struct Entries {
    queue: VecDeque<Arc<Entry>>,
    cost: usize,
    dropped: u64,
}

impl Entries {
    fn add(&mut self, cost: usize) {
        self.cost += cost;
        while self.cost > BUDGET {
            let Some(oldest) = self.queue.pop_front() else { break };
            self.cost = self.cost.saturating_sub(oldest.cost.load(Ordering::Relaxed));
            self.dropped += 1;
        }
    }
}

/// All requests of both sides, in the order of their arrival.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: Mutex<Entries>,
    next: AtomicU64,
}

/// Which requests to show.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    pub side: Option<Side>,
    pub method: Option<String>,
    /// Exact, or with `*` for any text.
    pub path: Option<String>,
    /// Only requests after this `seq`.
    pub since: Option<u64>,
    /// Only the last so many.
    pub last: Option<usize>,
}

impl RequestLog {
    pub fn begin(&self, side: Side, parts: &Parts, connection: &Connection) -> Arc<Entry> {
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        let target = parts.uri.to_string();
        let cost = 512 + 4 * target.len() + 512;
        let mut entries = self.lock();
        let entry = Arc::new(Entry {
            seq: self.next.fetch_add(1, Ordering::Relaxed) + 1,
            at,
            side,
            connection: connection.id,
            remote_port: connection.remote_port,
            method: parts.method.to_string(),
            target,
            headers,
            cost: AtomicUsize::new(cost),
            later: Mutex::default(),
        });
        entries.queue.push_back(Arc::clone(&entry));
        entries.add(cost);
        entry
    }

    /// Counts what was kept of a request's body.
    pub fn charge(&self, entry: &Entry, bytes: usize) {
        let mut entries = self.lock();
        entry.cost.fetch_add(bytes, Ordering::Relaxed);
        entries.add(bytes);
    }

    pub fn clear(&self) {
        *self.lock() = Entries::default();
    }

    pub fn to_json(&self, filter: &Filter) -> Value {
        let (all, dropped) = {
            let entries = self.lock();
            (entries.queue.iter().cloned().collect::<Vec<_>>(), entries.dropped)
        };
        let mut chosen: Vec<_> = all
            .iter()
            .filter(|entry| {
                filter.side.is_none_or(|side| side == entry.side)
                    && filter.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&entry.method))
                    && filter.path.as_ref().is_none_or(|path| matches(path, entry.path()))
                    && filter.since.is_none_or(|since| entry.seq > since)
            })
            .collect();
        if let Some(last) = filter.last {
            chosen.drain(..chosen.len().saturating_sub(last));
        }
        json!({
            "requests": chosen.iter().map(|entry| entry.to_json()).collect::<Vec<_>>(),
            "dropped": dropped,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        lock(&self.entries)
    }
}
