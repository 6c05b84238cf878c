//! Temporary credentials: issuing them, and knowing them again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What the platform hands to a client for uploads.
#[derive(Clone, Debug)]
pub struct StsCredentials {
    pub access_key_id: String,
    pub access_key_secret: String,
    pub security_token: String,
    /// By the store's clock.
    pub expires_at: SystemTime,
}

/// What a credential may touch.
#[derive(Debug)]
pub enum Scope {
    /// Objects `destination/name`, where the name holds no further slash.
    Destination(String),
    /// Reading anything: the key behind presigned URLs, which name their object themselves.
    Presigned,
}

#[derive(Debug)]
pub struct Credential {
    pub id: String,
    pub secret: String,
    pub token: String,
    pub scope: Scope,
    /// In real time, so that a store whose clock is made to jump does not expire its keys.
    ends: Option<Instant>,
    revoked: AtomicBool,
    uses: AtomicU64,
}

impl Credential {
    pub fn is_presigned(&self) -> bool {
        matches!(self.scope, Scope::Presigned)
    }

    pub fn revoke(&self) {
        self.revoked.store(true, Ordering::Relaxed);
    }

    /// Whether it has expired, however often it was used.
    pub fn has_ended(&self) -> bool {
        self.revoked.load(Ordering::Relaxed) || self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// Counts one use, and tells whether the credential had expired before it.
    pub fn expired_at_use(&self, allowed: Option<u64>) -> bool {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        self.has_ended() || allowed.is_some_and(|allowed| used >= allowed)
    }

    pub fn allows(&self, key: &str) -> bool {
        match &self.scope {
            Scope::Presigned => true,
            Scope::Destination(destination) => key
                .strip_prefix(destination.as_str())
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| !name.is_empty() && !name.contains('/')),
        }
    }
}

/// Every credential that was issued, so that an expired one is told from an unknown one.
pub struct Credentials {
    seed: u64,
    issued: u64,
    by_id: HashMap<String, Arc<Credential>>,
    id_by_token: HashMap<String, String>,
    presigning: Option<Arc<Credential>>,
}

impl Credentials {
    pub fn new(seed: u64) -> Self {
        Credentials { seed, issued: 0, by_id: HashMap::new(), id_by_token: HashMap::new(), presigning: None }
    }

    pub fn issue(&mut self, scope: Scope, lifetime: Option<Duration>) -> Arc<Credential> {
        self.issued += 1;
        let credential = Arc::new(Credential {
            id: format!("STS.N{}", self.letters("id", 24)),
            secret: self.letters("secret", 44),
            // Real tokens hold the three characters that a careless client fails to encode.
            token: format!("CAIS+/{}==", self.letters("token", 160)),
            scope,
            ends: lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime)),
            revoked: AtomicBool::new(false),
            uses: AtomicU64::new(0),
        });
        self.by_id.insert(credential.id.clone(), Arc::clone(&credential));
        self.id_by_token.insert(credential.token.clone(), credential.id.clone());
        credential
    }

    /// The credential behind presigned URLs; a fresh one for each URL when uses are counted.
    pub fn presigning(&mut self, fresh: bool) -> Arc<Credential> {
        match &self.presigning {
            Some(current) if !fresh => Arc::clone(current),
            _ => {
                let next = self.issue(Scope::Presigned, None);
                self.presigning = Some(Arc::clone(&next));
                next
            }
        }
    }

    pub fn find(&self, id: &str) -> Option<Arc<Credential>> {
        self.by_id.get(id).cloned()
    }

    pub fn knows_token(&self, token: &str) -> bool {
        self.id_by_token.contains_key(token)
    }

    pub fn revoke_all(&mut self, presigned: bool) {
        for credential in self.by_id.values() {
            if credential.is_presigned() == presigned {
                credential.revoke();
            }
        }
        if presigned {
            self.presigning = None;
        }
    }

    /// Letters and digits that follow from the seed and the count of credentials.
    fn letters(&self, purpose: &str, length: usize) -> String {
        let mut text = String::new();
        let mut round = 0;
        while text.len() < length {
            let digest = Sha256::digest(format!("{}/{}/{purpose}/{round}", self.seed, self.issued));
            text.extend(STANDARD.encode(digest).chars().filter(char::is_ascii_alphanumeric));
            round += 1;
        }
        text.truncate(length);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_takes_plain_names_only() {
        let scope = Scope::Destination("DUS-1/20250612TZ".to_owned());
        let credential = Credentials::new(1).issue(scope, None);
        assert!(credential.allows("DUS-1/20250612TZ/样本 1.txt"));
        for key in [
            "DUS-1/20250612TZ/sub/a",
            "DUS-1/20250612TZ/",
            "DUS-1/20250612TZ",
            "DUS-1/20250612TZa",
            "DUS-1/20250612T/a",
            "other/a",
            "",
        ] {
            assert!(!credential.allows(key), "{key}");
        }
    }

    #[test]
    fn expiry_by_time_count_and_revocation() {
        let mut all = Credentials::new(1);
        let long = Some(Duration::from_secs(3600));
        let destination = || Scope::Destination("d".to_owned());
        assert!(all.issue(destination(), Some(Duration::ZERO)).expired_at_use(None));
        let counted = all.issue(destination(), long);
        assert!(!counted.expired_at_use(Some(2)));
        assert!(!counted.expired_at_use(Some(2)));
        assert!(counted.expired_at_use(Some(2)));
        let revoked = all.issue(destination(), long);
        let presigned = all.presigning(false);
        all.revoke_all(false);
        assert!(revoked.expired_at_use(None));
        assert!(!presigned.expired_at_use(None));
        all.revoke_all(true);
        assert!(presigned.expired_at_use(None));
        assert_ne!(all.presigning(false).id, presigned.id);
    }

    #[test]
    fn seeds_decide_the_keys() {
        let issue = |seed| Credentials::new(seed).issue(Scope::Presigned, None);
        assert_eq!(issue(7).id, issue(7).id);
        assert_ne!(issue(7).id, issue(8).id);
        assert_ne!(issue(7).secret, issue(8).secret);
        assert!(issue(7).id.starts_with("STS.") && issue(7).secret.len() == 44);
    }
}
