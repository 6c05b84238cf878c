//! The exchanges of OAuth2 that give a token. Source: POST `/oauth2/access_token`.

use std::sync::Arc;

use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::token::{OF_A_PERSON, now};
use crate::{
    context::Context,
    envelope,
    error::{Error, Result, Status},
    json,
    redact::Secret,
    transport::{Body, Repeat, Request, Target, Transport},
};

/// An application's client id and secret.
#[derive(Clone)]
pub(crate) struct App {
    pub id: String,
    pub secret: Secret,
}

/// The token for the code that came with a redirect. A code is good for one exchange only: repeating one that may have
/// arrived could not succeed.
pub(crate) async fn authorization_code(
    transport: &Transport,
    context: &Context,
    app: &App,
    code: &str,
    redirect_uri: &str,
) -> Result<String> {
    let fields = [("grant_type", "authorization_code"), ("redirect_uri", redirect_uri), ("code", code)];
    exchange(transport, context, app, &fields, Repeat::Harmless).await
}

pub(crate) async fn refresh(
    transport: &Transport,
    context: &Context,
    app: &App,
    refresh_token: &str,
) -> Result<String> {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    exchange(transport, context, app, &fields, Repeat::Passing).await
}

pub(crate) async fn client_credentials(
    transport: &Transport,
    context: &Context,
    app: &App,
) -> Result<String> {
    let fields = [("grant_type", "client_credentials")];
    exchange(transport, context, app, &fields, Repeat::Passing).await
}

async fn exchange(
    transport: &Transport,
    context: &Context,
    app: &App,
    fields: &[(&str, &str)],
    rule: Repeat,
) -> Result<String> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &app.id)
        .append_pair("client_secret", app.secret.reveal())
        .extend_pairs(fields)
        .finish();
    let request = Request::new(Method::POST, Target::Platform("/oauth2/access_token".to_owned()))
        .with_header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .with_body(Body::Bytes(form.into()));
    let mut context = context.clone();
    let redactor = Arc::make_mut(&mut context.redactor);
    redactor.hide(app.secret.reveal());
    for (name, value) in fields {
        if matches!(*name, "code" | "refresh_token") {
            redactor.hide(value);
        }
    }
    transport
        .repeat(&context, &request, rule, |answer| {
            let envelope = envelope::read(answer.status, answer.is_json(), &answer.body)?;
            stamped(envelope.data, fields)
                .ok_or_else(|| Error::new(Status::Protocol, "the answer holds no token"))
        })
        .await
}

/// The token as the platform wrote it, with `obtained_at` behind it; and with what `sent` makes known: a refresh token
/// that was answered by none is still good, and a person's token without any is not the application's own.
fn stamped(data: &str, sent: &[(&str, &str)]) -> Option<String> {
    let token: Map<String, Value> = serde_json::from_str(data).ok()?;
    token.get("access_token").filter(|access| access.is_string())?;
    let mut added = vec![("obtained_at", Value::from(now() as u64))];
    let mut text = data.trim_end().to_owned();
    if token.get("refresh_token").and_then(Value::as_str).is_none_or(str::is_empty) {
        let of =
            |name: &str| sent.iter().find(|(sent, _)| *sent == name).map(|(_, value)| Value::from(*value));
        match of("refresh_token") {
            Some(kept) => added.push(("refresh_token", kept)),
            None if of("code").is_some() => added.push((OF_A_PERSON.0, OF_A_PERSON.1.into())),
            None => {}
        }
        if token.contains_key("refresh_token") {
            let all = json::members(data)?;
            let others = all.iter().filter(|(name, _)| name != "refresh_token");
            text = json::object(&others.map(|(name, raw)| (name.as_str(), *raw)).collect::<Vec<_>>());
        }
    }
    let mut text = text.strip_suffix('}')?.trim_end().to_owned();
    for (name, value) in added {
        text.push_str(&format!(",\"{name}\":{value}"));
    }
    text.push('}');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &str, sent: &[(&str, &str)]) -> Value {
        serde_json::from_str(&stamped(data, sent).expect("a token")).expect("JSON")
    }

    #[test]
    fn a_token_keeps_its_text_and_gains_its_time() {
        let text = stamped(r#"{"access_token": "a", "expires_in": 21600 }"#, &[]).expect("a token");
        assert!(text.starts_with(r#"{"access_token": "a", "expires_in": 21600,"obtained_at":"#), "{text}");
        for wrong in [r#"{"token_type": "Bearer"}"#, r#"{"access_token": 1}"#, "null", "[]"] {
            assert_eq!(stamped(wrong, &[]), None, "{wrong}");
        }
    }

    #[test]
    fn a_refresh_token_that_was_answered_by_none_stays() {
        let sent = [("grant_type", "refresh_token"), ("refresh_token", "old \" one")];
        for answer in [
            r#"{"access_token": "a"}"#,
            r#"{"refresh_token": null, "access_token": "a"}"#,
            r#"{"access_token": "a", "refresh_token": "", "scope": "s"}"#,
        ] {
            assert_eq!(of(answer, &sent)["refresh_token"], "old \" one", "{answer}");
        }
        assert_eq!(of(r#"{"access_token": "a", "refresh_token": "new"}"#, &sent)["refresh_token"], "new");
    }

    #[test]
    fn a_persons_token_without_a_refresh_token_says_so() {
        let code = [("grant_type", "authorization_code"), ("redirect_uri", "u"), ("code", "c")];
        assert_eq!(of(r#"{"access_token": "a"}"#, &code)["grant_type"], "authorization_code");
        assert!(of(r#"{"access_token": "a", "refresh_token": "r"}"#, &code).get("grant_type").is_none());
        let own = [("grant_type", "client_credentials")];
        assert!(of(r#"{"access_token": "a"}"#, &own).get("grant_type").is_none());
    }
}
