//! One request of the table, sent and read: with a token that is still good, and once more with a renewed one.

use std::{fmt, sync::Arc, time::Instant};

use super::{
    args::{Args, Prepared, free_request, prepare},
    endpoint::{Endpoint, Grants, Method, Output, Pages},
    learned::Learned,
};
use crate::{
    auth::{account::Grant, renew::Credentials, token::Token},
    context::Context,
    envelope::{self, Envelope},
    error::{Error, Result, Status},
    log::{Event, Level},
    transport::{Repeat, Request, Retry, Target, Transport},
};

pub(crate) use super::switches::CALL_SWITCHES;

/// A client's connections and credentials: what sends one request of the table and reads its answer.
#[derive(Clone)]
pub(crate) struct Session {
    transport: Transport,
    credentials: Credentials,
    learned: Learned,
}

impl Session {
    pub(crate) fn new(transport: Transport, credentials: Credentials) -> Self {
        Session { transport, credentials, learned: Learned::default() }
    }

    /// What this client's answers have shown of the platform.
    pub(crate) fn learned(&self) -> &Learned {
        &self.learned
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A name for whose data this client sees, by which what is kept on disk is told apart from others'.
    pub(crate) fn account(&self) -> String {
        self.credentials.account()
    }

    /// How often another account's token came into the place of the one in use.
    pub(crate) fn account_changes(&self) -> u64 {
        self.credentials.changes()
    }

    /// One request of the table, and its result.
    pub(crate) async fn perform(
        &self,
        mut context: Context,
        endpoint: &Endpoint,
        args: &Args,
    ) -> Result<String> {
        let Prepared { mut request, redactor, idle } = prepare(endpoint, args)?;
        if idle {
            return Ok("null".to_owned());
        }
        context.redactor = Arc::new(redactor);
        if endpoint.name == "introspect" {
            request = self.introspection(&context, request).await?;
        }
        let rule = if endpoint.repeatable { Repeat::Passing } else { Repeat::Harmless };
        let read: fn(&Envelope<'_>) -> Result<String> = match (endpoint.output, endpoint.pages) {
            (Output::Nothing, _) => |_| Ok("null".to_owned()),
            (Output::Data, Pages::Envelope) => envelope::with_pagination,
            (Output::Data, _) => |envelope| Ok(envelope.data.to_owned()),
        };
        let outcome = self.ask(&context, &request, rule, read).await;
        outcome.map_err(|error| match needed(endpoint.grants, self.credentials.grant(), error.code()) {
            Some(hint) if matches!(error.status(), Status::Auth | Status::Api) => error.with_hint(hint),
            _ => error,
        })
    }

    /// A request that the table does not have: `args` go to the query or the form. Never repeated.
    pub(crate) async fn perform_free(
        &self,
        mut context: Context,
        method: Method,
        path: &str,
        args: &Args,
    ) -> Result<String> {
        let Prepared { request, redactor, .. } = free_request(method, path, args)?;
        context.redactor = Arc::new(redactor);
        self.ask(&context, &request, Repeat::Never, |envelope| Ok(envelope.data.to_owned())).await
    }

    /// `introspect` asks about the access token in use.
    async fn introspection(&self, context: &Context, mut request: Request) -> Result<Request> {
        let began = Instant::now();
        let token = self.credentials.bearer(&self.transport, context, began).await?;
        if let Target::Platform(path) = &mut request.target
            && !path.contains("token=")
        {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("token", token.access.reveal())
                .finish();
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&query);
        }
        Ok(request)
    }

    /// Sends a request until it is answered or may not be sent again, and reads the answer's envelope.
    async fn ask<T>(
        &self,
        context: &Context,
        request: &Request,
        rule: Repeat,
        read: impl Fn(&Envelope<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut retry = Retry::new(context, self.transport.log(), rule);
        let mut renewed = false;
        let began = Instant::now();
        loop {
            // Nothing of the call itself was sent.
            let token = self.credentials.bearer(&self.transport, context, began).await.map_err(|error| {
                let may_pass = error.retryable() || error.is_passing();
                error.with_retryable(may_pass)
            })?;
            let sent = authorized(request.clone(), &token)?;
            let outcome = self.transport.send(context, &sent).await.and_then(|answer| {
                let outcome = envelope::read(answer.status, answer.is_json(), &answer.body);
                outcome.and_then(|envelope| read(&envelope)).map_err(|error| answer.explain(error))
            });
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let refused = error.status() == Status::Auth && error.code() != 401;
            if refused && !renewed && self.credentials.can_replace(&token) {
                renewed = true;
                self.credentials.renew(&self.transport, context, token, began).await?;
            } else {
                retry.again(self.credentials.redact(error, Some(&token))).await?;
            }
        }
    }

    /// An error as the caller gets it: with the call's name, logged under its tag, and without secrets.
    pub(crate) fn explain(&self, call: &str, tag: Option<&str>, error: Error) -> Error {
        let error = self.credentials.advise(self.credentials.redact(error, None)).with_call(call);
        self.transport.log().record(Level::Error, || {
            let mut facts = vec![("call", call.into()), ("status", error.status().name().into())];
            facts.push(("request_id", error.request_id().into()));
            for (name, number) in [("http_status", i64::from(error.http_status())), ("code", error.code())] {
                if number != 0 {
                    facts.push((name, number.into()));
                }
            }
            (error.message().to_owned(), Event { name: "failure", tag, facts })
        });
        error
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// Which token a call wants that was refused for having another one.
fn needed(wanted: Grants, grant: Grant, code: i64) -> Option<&'static str> {
    const NO_PERMISSION: i64 = 401;
    const NOT_FOR_PERSONS: i64 = 40014;
    if !matches!(code, NO_PERMISSION | NOT_FOR_PERSONS) {
        return None;
    }
    match (wanted, grant) {
        (Grants::User, Grant::ClientCredentials) => Some(
            "this call is for the token of a person who signed in (authorization code), and this client has the \
             application's own (client credentials)",
        ),
        (Grants::User, Grant::Given) => Some(
            "this call is for the token of a person who signed in (authorization code), with a scope that covers it",
        ),
        (Grants::Client, Grant::AuthorizationCode) => Some(
            "this call is for the application's own token (client credentials), and this client has that of a person \
             (authorization code)",
        ),
        (Grants::Client, Grant::Given) => Some(
            "this call is for an application's own token (client credentials), with a scope that covers it",
        ),
        _ if code == NO_PERMISSION => Some("the token's scope does not cover this call"),
        _ => None,
    }
}

/// GET `/ping`, without a token: any answer below 400 will do.
pub(crate) async fn alive(transport: &Transport, context: &Context) -> Result<()> {
    let request = Request::new(reqwest::Method::GET, Target::Platform("/ping".to_owned()));
    transport
        .repeat(context, &request, Repeat::Passing, |answer| {
            if answer.status < 400 {
                return Ok(());
            }
            let error = Error::new(Status::Http, "the platform does not answer as it should");
            Err(error.with_http(answer.status, None))
        })
        .await
}

fn authorized(request: Request, token: &Token) -> Result<Request> {
    let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", token.access.reveal()))
        .map_err(|_| Error::new(Status::Auth, "the access token cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(request.with_header(reqwest::header::AUTHORIZATION, value))
}
