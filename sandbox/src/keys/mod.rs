//! The key service: RPC calls with signature 1.0, as Aliyun KMS takes them.
//!
//! `caller` checks who asks, `actions` does what is asked, `answer` has the two languages of the answers.

mod actions;
mod answer;
mod caller;
mod sign;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, header};

use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::clock;
use answer::{Answer, respond};
pub use answer::{Failure, failure};

/// The answer to a request; `host` is the service as the request names it.
pub fn answer(world: &Arc<World>, host: &str, request: &Decoded) -> Response<Body> {
    let parameters: Vec<_> = request.query.iter().chain(&request.form).cloned().collect();
    let xml = !parameters.iter().any(|(name, value)| name == "Format" && value.eq_ignore_ascii_case("json"));
    let action = parameters.iter().find(|(name, _)| name == "Action").map_or("", |(_, value)| value.as_str());
    let mut answer = respond(run(world, request, &parameters), action, host, xml);
    // The service's own clock, by which a caller can set its own.
    let now = clock::shift(std::time::SystemTime::now(), world.options().kms_clock_skew);
    if let Ok(date) = HeaderValue::from_str(&clock::http(now)) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}

fn run(world: &World, request: &Decoded, parameters: &[(String, String)]) -> Result<Answer, Failure> {
    if request.method != Method::POST && request.method != Method::GET {
        return Err(Failure::new(405, "UnsupportedHTTPMethod", "This http method is not supported."));
    }
    let action = actions::find(parameters)?;
    caller::check(world, request.method.as_str(), parameters)?;
    action(&world.keys, parameters)
}
