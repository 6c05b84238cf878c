//! Answers and refusals of the key service, in JSON or XML.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::wire::answer::{json_response, text_response};

/// The members of a good answer.
pub type Answer = Vec<(&'static str, String)>;

#[derive(Debug)]
pub struct Failure {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn new(status: u16, code: &str, message: &str) -> Failure {
        Failure { status, code: code.into(), message: message.into() }
    }

    /// A parameter that is not there.
    pub fn missing(name: &str) -> Failure {
        let message = format!(
            "The input parameter \"{name}\" that is mandatory for processing this request is not supplied."
        );
        Failure::new(400, "MissingParameter", &message)
    }

    /// A parameter that cannot be.
    pub fn invalid(name: &str) -> Failure {
        Failure::new(400, "InvalidParameter", &format!("The specified parameter {name} is not valid."))
    }
}

/// A refusal as an HTTP answer in JSON.
pub fn failure(refusal: Failure, host: &str) -> Response<Body> {
    respond(Err(refusal), "", host, false)
}

pub fn respond(result: Result<Answer, Failure>, action: &str, host: &str, xml: bool) -> Response<Body> {
    let request_id = uuid::Uuid::from_u128(rand::random()).to_string();
    let (status, root, mut members) = match result {
        Ok(members) => (200, format!("{action}Response"), members),
        Err(refusal) => {
            let said = vec![
                ("Code", refusal.code),
                ("Message", refusal.message),
                ("HostId", host.to_owned()),
                ("Recommend", format!("https://api.aliyun.com/troubleshoot?q={action}")),
            ];
            (refusal.status, "Error".into(), said)
        }
    };
    members.push(("RequestId", request_id));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if xml {
        let inside: String =
            members.iter().map(|(name, text)| format!("<{name}>{}</{name}>", escape(text))).collect();
        let document = format!("<?xml version='1.0' encoding='UTF-8'?><{root}>{inside}</{root}>");
        return text_response(status, "text/xml;charset=utf-8", document);
    }
    let members: Map<String, Value> =
        members.into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect();
    json_response(status, Value::Object(members).to_string(), None)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
