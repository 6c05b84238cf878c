//! The exchanges of OAuth2 that give a token. Source: POST `/oauth2/access_token`.

use std::sync::Arc;

use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use url::form_urlencoded;

use super::token::now;
use crate::{
    context::Context,
    envelope,
    error::{Error, Result, Status},
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
            stamped(envelope.data).ok_or_else(|| Error::new(Status::Protocol, "the answer holds no token"))
        })
        .await
}

/// The token as the platform wrote it, with `obtained_at` behind it.
fn stamped(data: &str) -> Option<String> {
    let is_token = serde_json::from_str::<Value>(data).ok()?.get("access_token")?.is_string();
    let open = data.trim_end().strip_suffix('}').filter(|_| is_token)?;
    Some(format!("{},\"obtained_at\":{}}}", open.trim_end(), now() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_text_and_gains_its_time() {
        let stamped = stamped(r#"{"access_token": "a", "expires_in": 21600 }"#).expect("a token");
        assert!(
            stamped.starts_with(r#"{"access_token": "a", "expires_in": 21600,"obtained_at":"#),
            "{stamped}"
        );
        assert_eq!(super::stamped(r#"{"token_type": "Bearer"}"#), None);
        assert_eq!(super::stamped("null"), None);
    }
}
