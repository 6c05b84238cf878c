//! Credentials that were found, before they become a client's.

use std::{env, path::PathBuf};

use super::{
    grants::App,
    holder::Wanted,
    renew::TokenOrigin,
    token::{Token, trimmed},
};
use crate::error::{Error, Result};

/// What was found, before it becomes a client.
pub(crate) struct Found {
    pub(super) given: Given,
    pub endpoint: Option<String>,
    /// Where they were found, for people.
    pub source: String,
    /// For the client's log.
    pub warning: Option<String>,
}

pub(super) enum Given {
    Token(Token),
    Stored(Token),
    App(App, Option<Token>),
}

impl Found {
    pub(super) fn of(given: Given, source: impl Into<String>) -> Self {
        Found { given, endpoint: None, source: source.into(), warning: None }
    }

    /// Where a client with these credentials has its tokens from.
    pub(crate) fn origin(self, token_file: Option<PathBuf>) -> TokenOrigin {
        match self.given {
            // Nobody said who it is: the token file does, where there is one.
            Given::App(app, None) => TokenOrigin::Renewed { app, wanted: Wanted::Anyone, file: token_file },
            Given::App(app, Some(token)) => {
                TokenOrigin::Renewed { app, wanted: Wanted::Owner(token), file: token_file }
            }
            Given::Token(token) => TokenOrigin::Fixed(token),
            Given::Stored(token) => TokenOrigin::Stored(token),
        }
    }
}

/// A variable of the environment, without the white space and line ends that files and shells leave around it. An empty
/// one is none.
pub(super) fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) => Ok(Some(trimmed(&value).to_owned()).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::argument(name, "in the environment must be UTF-8")),
    }
}
