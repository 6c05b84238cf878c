//! Credentials that were found, before they become a client's.

use std::{env, path::PathBuf};

use super::{grants::App, renew::TokenOrigin, token::Token};

/// What was found, before it becomes a client.
pub(crate) struct Found {
    pub(super) given: Given,
    pub endpoint: Option<String>,
    /// For the client's log.
    pub warning: Option<String>,
}

pub(super) enum Given {
    Token(Token),
    Stored(Token),
    App(App, Option<Token>),
}

impl Found {
    pub(super) fn of(given: Given) -> Self {
        Found { given, endpoint: None, warning: None }
    }

    /// Where a client with these credentials has its tokens from.
    pub(crate) fn origin(self, token_file: Option<PathBuf>) -> TokenOrigin {
        match self.given {
            Given::App(app, token) => TokenOrigin::Renewed { app, token, file: token_file },
            Given::Token(token) => TokenOrigin::Fixed(token),
            Given::Stored(token) => TokenOrigin::Stored(token),
        }
    }
}

/// A variable of the environment; an empty one is none.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}
