//! Whose data a client sees: what a token file belongs to, and what is kept on disk is filed under.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::token::Token;

/// So many spent refresh tokens of a line are remembered, beside the first.
const REMEMBERED: usize = 256;

/// How a client came by its token. It never changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    /// A person signed in.
    AuthorizationCode,
    /// The application acts for itself.
    ClientCredentials,
    /// An access token that somebody else obtained: nothing more is known of it.
    Given,
}

impl Grant {
    /// The name in OAuth2, where it has one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Grant::AuthorizationCode => "authorization_code",
            Grant::ClientCredentials => "client_credentials",
            Grant::Given => "given",
        }
    }
}

/// One person or application as the platform knows it, told apart by what nobody else can show: the application's id,
/// the grant, and the first secret of a line of renewed tokens. The application itself needs no secret to be known, once
/// it has obtained its token by itself: of one that was given nobody knows who obtained it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub client_id: Option<String>,
    pub grant: Grant,
    /// The fingerprint of the first refresh token, or of the access token where there is none.
    pub first: Option<String>,
}

impl Account {
    /// A name for it: the same for the same account only, in every process, and no secret.
    pub(crate) fn digest(&self) -> String {
        let parts = [self.client_id.as_deref(), Some(self.grant.name()), self.first.as_deref()];
        let mut hash = Sha256::new();
        for part in parts.map(Option::unwrap_or_default) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hex(&hash.finalize(), 20)
    }
}

/// A line of tokens, each renewed from the one before it: whose they are, and which refresh tokens are spent. A token
/// file says it, so that nobody else's token is taken for a newer one of this line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The platform's address.
    pub endpoint: String,
    #[serde(flatten)]
    pub account: Account,
    /// The fingerprints of refresh tokens that were exchanged for a newer one, the oldest first.
    #[serde(default)]
    spent: Vec<String>,
}

impl Line {
    /// The line that begins with `token`; without one, that of the application itself.
    pub(crate) fn begin(
        endpoint: &str,
        client_id: Option<&str>,
        grant: Grant,
        token: Option<&Token>,
    ) -> Self {
        let secret = token.map(|token| token.refresh.as_ref().unwrap_or(&token.access));
        let first = secret.map(|secret| fingerprint(secret.reveal()));
        let account = Account { client_id: client_id.map(str::to_owned), grant, first };
        Line { endpoint: endpoint.to_owned(), account, spent: Vec::new() }
    }

    /// The same after `before` was exchanged for `after`. What an application obtains for itself is surely its own.
    pub(crate) fn renewed(&self, before: Option<&Token>, after: &Token) -> Self {
        let mut line = self.clone();
        if line.account.grant == Grant::ClientCredentials {
            line.account.first = None;
        }
        let spent = before.and_then(|token| token.refresh.as_ref());
        if let Some(spent) = spent
            && Some(spent) != after.refresh.as_ref()
        {
            line.spent.push(fingerprint(spent.reveal()));
            let surplus = line.spent.len().saturating_sub(REMEMBERED);
            line.spent.drain(..surplus);
        }
        line
    }

    /// Whether this token's refresh token was exchanged for a newer one of this line.
    pub(crate) fn has_spent(&self, token: &Token) -> bool {
        self.has(token, |print| self.spent.iter().any(|spent| spent == print))
    }

    /// Whether this token is one that the line began with or went through.
    pub(crate) fn knows(&self, token: &Token) -> bool {
        self.has(token, |print| self.account.first.as_deref() == Some(print)) || self.has_spent(token)
    }

    fn has(&self, token: &Token, test: impl Fn(&str) -> bool) -> bool {
        token.refresh.as_ref().is_some_and(|refresh| test(&fingerprint(refresh.reveal())))
    }
}

/// By what a secret is known again without being kept.
pub(crate) fn fingerprint(secret: &str) -> String {
    hex(&Sha256::digest(secret), 16)
}

fn hex(bytes: &[u8], most: usize) -> String {
    bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_is_another_account() {
        let one = Account {
            client_id: Some("app".into()),
            grant: Grant::AuthorizationCode,
            first: Some("ab".into()),
        };
        let mut names = vec![
            one.digest(),
            Account { client_id: Some("other".into()), ..one.clone() }.digest(),
            Account { client_id: None, ..one.clone() }.digest(),
            Account { grant: Grant::Given, ..one.clone() }.digest(),
            Account { first: Some("ac".into()), ..one.clone() }.digest(),
            Account { first: None, ..one.clone() }.digest(),
        ];
        assert_eq!(one.digest(), one.clone().digest());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn a_fingerprint_is_the_beginning_of_a_sha_256() {
        // `printf abc | sha256sum`
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn a_line_knows_what_it_went_through_and_is_bounded() {
        let token = |number: usize| {
            Token::from_json(&format!(r#"{{"access_token": "a{number}", "refresh_token": "r{number}"}}"#))
                .expect("a token")
        };
        let mut line = Line::begin("https://a/", Some("app"), Grant::AuthorizationCode, Some(&token(0)));
        let account = line.account.clone();
        for number in 0..1000 {
            line = line.renewed(Some(&token(number)), &token(number + 1));
        }
        assert_eq!(line.account, account);
        assert!(line.knows(&token(0)) && !line.has_spent(&token(0)), "the first is never forgotten");
        assert!(line.knows(&token(999)) && line.has_spent(&token(999)));
        assert!(!line.knows(&token(1000)) && !line.knows(&token(500)));
        assert!(serde_json::to_string(&line).expect("JSON").len() < 16 << 10);
        let same = line.renewed(Some(&token(7)), &token(7));
        assert_eq!(same, line, "a refresh token that stays is not spent");
    }
}
