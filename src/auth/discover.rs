//! Credentials found by themselves: in the options, the environment, or a stored profile, looked at in this order.

use super::{
    found::{Found, Given, variable},
    grants::App,
    profile::Profile,
    token::Token,
};
use crate::{
    error::{Error, Result},
    options::Open,
    redact::Secret,
};

/// The credentials, and what they say of the platform's address. Nothing is written.
pub(crate) fn find(open: &Open) -> Result<Found> {
    let mut looked = vec!["options_json (access_token, or client_id and client_secret)".to_owned()];
    let named = open.credentials.profile.clone();
    let mut found = from_options(open)?;
    if found.is_none() && named.is_none() {
        looked.push("the environment (BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET)".to_owned());
        found = from_environment()?;
    }
    if found.is_none() {
        found = Profile::find(named, &mut looked)?.map(Profile::into_found).transpose()?;
    }
    found.ok_or_else(|| {
        Error::argument("credentials", format!("were not found; looked at {}", looked.join("; ")))
    })
}

/// The platform's address as the environment has it.
pub(crate) fn endpoint_of_environment() -> Result<Option<String>> {
    variable("BGE_ENDPOINT")
}

fn from_options(open: &Open) -> Result<Option<Found>> {
    let given = &open.credentials;
    if let Some(token) = &given.access_token {
        return Ok(Some(Found::of(
            Given::Token(Token::checked("access_token", token.reveal())?),
            "access_token",
        )));
    }
    app("client_id", given.client_id.clone(), "client_secret", given.client_secret.clone())
}

fn from_environment() -> Result<Option<Found>> {
    if let Some(token) = variable("BGE_ACCESS_TOKEN")? {
        return Ok(Some(Found::of(
            Given::Token(Token::checked("BGE_ACCESS_TOKEN", &token)?),
            "BGE_ACCESS_TOKEN",
        )));
    }
    let secret = variable("BGE_CLIENT_SECRET")?.map(|secret| Secret::new(&secret));
    app("BGE_CLIENT_ID", variable("BGE_CLIENT_ID")?, "BGE_CLIENT_SECRET", secret)
}

fn app(
    id_name: &str,
    id: Option<String>,
    secret_name: &str,
    secret: Option<Secret>,
) -> Result<Option<Found>> {
    match (id, secret) {
        (Some(id), Some(secret)) => {
            Ok(Some(Found::of(Given::App(App { id, secret }, None), format!("{id_name} and {secret_name}"))))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::argument(secret_name, format!("is needed beside {id_name}"))),
        (None, Some(_)) => Err(Error::argument(id_name, format!("is needed beside {secret_name}"))),
    }
}
