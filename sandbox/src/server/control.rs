//! The sandbox's own surface, below `/__sandbox__/`: faults, log, options, expiry, state.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::connection::{Connection, Counter};
use super::log::Filter;
use super::sandbox::Sandbox;
use super::side::Side;
use crate::wire::answer::json_response;
use crate::wire::request::decode_pairs;
use crate::world::keys::KeyState;

pub const PREFIX: &str = "/__sandbox__/";

pub async fn answer(
    sandbox: &Arc<Sandbox>,
    connection: &Connection,
    parts: &Parts,
    body: Body,
) -> Response<Body> {
    let Ok(body) = body.collect().await else { return control_error("the body broke off") };
    let body = body.to_bytes();
    let name = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let result = match (&parts.method, name) {
        (&Method::GET, "ready") => Ok(sandbox.ready.clone()),
        (&Method::GET, "faults") => Ok(json!({"faults": sandbox.faults.to_json()})),
        (&Method::POST, "faults") => parse(&body).and_then(|fault| add_faults(sandbox, &fault)),
        (&Method::DELETE, "faults") => {
            sandbox.faults.clear();
            Ok(json!({}))
        }
        (&Method::GET, "log") => filter(parts.uri.query()).map(|filter| sandbox.log.to_json(&filter)),
        (&Method::DELETE, "log") => {
            sandbox.log.clear();
            Ok(json!({}))
        }
        (&Method::GET, "options") => Ok(sandbox.world.describe_options(&sandbox.world.options())),
        (&Method::DELETE, "options") => sandbox.world.reset_options(),
        (&Method::POST, "options") => parse(&body).and_then(|changes| sandbox.world.change_options(&changes)),
        (&Method::POST, "expire") => parse(&body).and_then(|what| expire(sandbox, &what)),
        (&Method::POST, "objects") => parse(&body).and_then(|what| change_object(sandbox, &what)),
        (&Method::POST, "keys") => parse(&body).and_then(|what| change_key(sandbox, &what)),
        (&Method::POST, "outage") => match parse(&body) {
            Ok(what) => begin_outage(sandbox, connection, &what).await,
            Err(error) => Err(error),
        },
        (&Method::GET, "state") => Ok(state(sandbox)),
        (_, "ready" | "faults" | "log" | "options" | "expire" | "keys" | "objects" | "outage" | "state") => {
            return json_response(
                StatusCode::METHOD_NOT_ALLOWED,
                json!({"error": "method not allowed"}).to_string(),
                None,
            );
        }
        _ => {
            return json_response(
                StatusCode::NOT_FOUND,
                json!({"error": "no such control"}).to_string(),
                None,
            );
        }
    };
    let mut response = match result {
        Ok(value) => json_response(StatusCode::OK, value.to_string(), None),
        Err(error) => control_error(&error),
    };
    if connection.is_spared() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))
}

/// One fault, or an array of them; all or none is added.
fn add_faults(sandbox: &Sandbox, asked: &Value) -> Result<Value, String> {
    match asked {
        Value::Array(faults) => sandbox.faults.add_all(faults).map(|ids| json!({"ids": ids})),
        fault => sandbox.faults.add(fault).map(|id| json!({"id": id})),
    }
}

fn filter(query: Option<&str>) -> Result<Filter, String> {
    let mut members = Map::new();
    for (name, value) in decode_pairs(query.unwrap_or_default()) {
        let value = match (name.as_str(), value.parse::<u64>()) {
            ("since" | "last", Ok(number)) => json!(number),
            _ => json!(value),
        };
        members.insert(name, value);
    }
    Filter::deserialize(Value::Object(members)).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    what: String,
    /// Only this access token.
    token: Option<String>,
    /// Only the credentials with this key id.
    access_key_id: Option<String>,
}

fn expire(sandbox: &Sandbox, what: &Value) -> Result<Value, String> {
    let expire = Expire::deserialize(what).map_err(|error| error.to_string())?;
    match expire.what.as_str() {
        "access_tokens" => {
            let expired = sandbox.world.oauth().expire_access_tokens(expire.token.as_deref());
            Ok(json!({"expired": expired}))
        }
        "refresh_tokens" => Ok(json!({"expired": sandbox.world.oauth().expire_refresh_tokens()})),
        "sts" => match expire.access_key_id {
            Some(id) => Ok(json!({"expired": usize::from(sandbox.world.store.expire_sts(&id))})),
            None => {
                sandbox.world.store.expire_all_sts();
                Ok(json!({}))
            }
        },
        "presigned" => {
            sandbox.world.store.expire_presigned();
            Ok(json!({}))
        }
        other => Err(format!("`what` is access_tokens, refresh_tokens, sts or presigned, not {other}")),
    }
}

/// What becomes of an object: exactly one of the members beside its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectChange {
    name: String,
    /// Its content from now on.
    text: Option<String>,
    base64: Option<String>,
    /// Only its first bytes are left.
    keep: Option<u64>,
    #[serde(default)]
    delete: bool,
}

fn change_object(sandbox: &Sandbox, what: &Value) -> Result<Value, String> {
    let store = &sandbox.world.store;
    let change = ObjectChange::deserialize(what).map_err(|error| error.to_string())?;
    match (change.text, change.base64, change.keep, change.delete) {
        (Some(text), None, None, false) => store.put_internal(&change.name, text.into_bytes()),
        (None, Some(encoded), None, false) => {
            let bytes = BASE64_STANDARD.decode(encoded).map_err(|error| error.to_string())?;
            store.put_internal(&change.name, bytes);
        }
        (None, None, Some(bytes), false) => {
            if !store.cut(&change.name, bytes).map_err(|error| error.to_string())? {
                return Err(format!("there is no object {} of at least {bytes} bytes", change.name));
            }
        }
        (None, None, None, true) => store.remove(&change.name),
        _ => return Err("one of `text`, `base64`, `keep` and `delete` must be given".into()),
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyChange {
    key_id: String,
    state: KeyState,
}

fn change_key(sandbox: &Sandbox, what: &Value) -> Result<Value, String> {
    let change = KeyChange::deserialize(what).map_err(|error| error.to_string())?;
    match sandbox.world.keys.set_state(&change.key_id, change.state) {
        true => Ok(json!({})),
        false => Err(format!("there is no key {}", change.key_id)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    seconds: f64,
    /// All of them unless given.
    side: Option<Side>,
}

/// The connection on which it is asked for ends with the answer; all others end at once.
async fn begin_outage(sandbox: &Sandbox, connection: &Connection, what: &Value) -> Result<Value, String> {
    let outage = Outage::deserialize(what).map_err(|error| error.to_string())?;
    let length = Duration::try_from_secs_f64(outage.seconds).map_err(|error| error.to_string())?;
    connection.spare();
    for side in Side::ALL.into_iter().filter(|side| outage.side.is_none_or(|wanted| wanted == *side)) {
        sandbox.close_for(side, length).await;
    }
    Ok(json!({}))
}

fn state(sandbox: &Sandbox) -> Value {
    let of_each = |describe: fn(&Counter) -> Value| -> Value {
        Side::ALL.into_iter().map(|side| (side.name(), describe(sandbox.counter(side)))).collect()
    };
    let mut state = sandbox.world.to_json();
    state["connections"] = of_each(
        |counter| json!({"open": counter.open.load(Ordering::Relaxed), "accepted": counter.accepted.load(Ordering::Relaxed)}),
    );
    state["requests"] = of_each(|counter| json!(counter.requests.load(Ordering::Relaxed)));
    state["refused_by_quota"] = json!(sandbox.counter(Side::Platform).refused.load(Ordering::Relaxed));
    state
}

fn control_error(message: &str) -> Response<Body> {
    json_response(StatusCode::BAD_REQUEST, json!({"error": message}).to_string(), None)
}
