//! Whose data a client sees: what a token file belongs to, and what is kept on disk is filed under.

use sha2::{Digest, Sha256};

/// How a client came by its token. It never changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
/// the grant, and the first secret of a line of renewed tokens. The application itself needs no secret to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}
