//! Temporary credentials of the object store: one for each region, shared by all transfers of a client, renewed before
//! they end and when the store says so.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{address::Bucket, sign::Key};
use crate::{
    error::{Error, Result, Status},
    redact::{Redactor, Secret},
};

/// Credentials are renewed this long before they end, or a fifth of their life if that is less.
const LEEWAY: Duration = Duration::from_secs(300);

/// Names given away, under a grant and those that renewed it: a second object of the same name gets a grant of its own,
/// as it may have another destination.
type Names = Mutex<HashSet<String>>;

/// Whether names stay taken under the next grant: those of uploads under way do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Succession {
    Kept,
    Forgotten,
}

/// What the platform grants: where to write, and as whom.
pub(super) struct Grant {
    pub bucket: Bucket,
    pub destination: String,
    pub key: Key,
    /// The platform's name for this application.
    pub client_id: String,
    /// Whom it was given to: a client's token may be swapped for another one's.
    pub account: String,
    /// What no message may show.
    pub redactor: Arc<Redactor>,
    stale_at: Option<Instant>,
    pub names: Arc<Names>,
}

/// A name in the store that one upload has for itself. It travels with the grant that it was claimed under: the name
/// counts there, and under the grants that renew it, and nowhere else. Given up, it is free again.
pub(super) struct Claim {
    filename: String,
    grant: Mutex<Option<Arc<Grant>>>,
    /// An object has the name.
    is_used: AtomicBool,
}

impl Claim {
    pub(super) fn new(filename: &str) -> Arc<Self> {
        Arc::new(Claim {
            filename: filename.to_owned(),
            grant: Mutex::new(None),
            is_used: AtomicBool::new(false),
        })
    }

    pub(super) fn filename(&self) -> &str {
        &self.filename
    }

    /// The name is the object's now.
    pub(super) fn keep(&self) {
        self.is_used.store(true, Ordering::Relaxed);
    }

    pub fn grant(&self) -> MutexGuard<'_, Option<Arc<Grant>>> {
        self.grant.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn is_under(&self, grant: &Grant) -> bool {
        self.grant().as_ref().is_some_and(|own| Arc::ptr_eq(&own.names, &grant.names))
    }

    pub fn is_taken(&self) -> bool {
        self.grant().is_some()
    }

    /// What it had under another grant is given back.
    pub fn go_under(&self, grant: &Arc<Grant>) {
        let before = self.grant().replace(grant.clone());
        if let Some(before) = before
            && !Arc::ptr_eq(&before.names, &grant.names)
        {
            before.names().remove(&self.filename);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_used.load(Ordering::Relaxed)
            && let Some(grant) = self.grant().take()
        {
            grant.names().remove(&self.filename);
        }
    }
}

impl Grant {
    pub(super) fn key_of(&self, filename: &str) -> String {
        if self.destination.is_empty() {
            filename.to_owned()
        } else {
            format!("{}/{filename}", self.destination)
        }
    }

    /// Whether an object of this name may be written.
    pub(super) fn holds(&self, key: &str) -> bool {
        key.rsplit_once('/').map_or("", |(folder, _)| folder) == self.destination
    }

    pub fn is_fresh(&self) -> bool {
        self.stale_at.is_none_or(|stale_at| Instant::now() < stale_at)
    }

    pub fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.names.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether all of these names were still free; then they are taken.
    pub fn claim<'a>(&self, wanted: impl Iterator<Item = &'a str> + Clone) -> bool {
        let mut names = self.names();
        let free = wanted.clone().all(|name| !names.contains(name));
        if free {
            names.extend(wanted.map(str::to_owned));
        }
        free
    }
}

#[derive(Deserialize)]
pub(super) struct Wire {
    bucket: String,
    endpoint: String,
    destination: String,
    region_id: Option<String>,
    credentials: WireCredentials,
}

#[derive(Deserialize)]
struct WireCredentials {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    expiration: Option<String>,
}

impl Wire {
    pub fn into_grant(self, client_id: String, account: String, asked: Instant) -> Result<Grant> {
        let credentials = self.credentials;
        let mut redactor = Redactor::default();
        for secret in [&credentials.access_key_id, &credentials.access_key_secret]
            .into_iter()
            .chain(&credentials.security_token)
        {
            redactor.hide(secret);
        }
        let region = self.region_id.unwrap_or_else(|| {
            let host = self.endpoint.split("://").last().unwrap_or_default();
            host.split(['.', ':']).next().unwrap_or_default().trim_end_matches("-internal").to_owned()
        });
        Ok(Grant {
            bucket: Bucket::new(&self.bucket, &self.endpoint)?,
            destination: self.destination.trim_matches('/').to_owned(),
            key: Key {
                id: Secret::new(&credentials.access_key_id),
                secret: Secret::new(&credentials.access_key_secret),
                token: credentials.security_token.as_deref().map(Secret::new),
                region: region.trim_start_matches("oss-").to_owned(),
            },
            client_id,
            account,
            redactor: Arc::new(redactor),
            stale_at: credentials.expiration.as_deref().and_then(|text| stale_at(text, asked)),
            names: Arc::default(),
        })
    }
}

/// When credentials are to be renewed. Where the clock here is past their end already, it cannot be
/// worked out: the store refuses them when they have ended.
fn stale_at(expiration: &str, asked: Instant) -> Option<Instant> {
    let ends = OffsetDateTime::parse(expiration, &Rfc3339).ok()?;
    let life = SystemTime::from(ends).duration_since(SystemTime::now()).ok()?;
    asked.checked_add(life - LEEWAY.min(life / 5))
}

pub(super) fn protocol(what: &str) -> Error {
    Error::new(Status::Protocol, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str = r#"{"bucket": "b", "endpoint": "oss-cn-shenzhen.aliyuncs.com", "destination": "d/e/",
        "credentials": {"access_key_id": "STS.id", "access_key_secret": "canary-secret", "security_token": "canary"}}"#;

    fn grant() -> Grant {
        let wire: Wire = serde_json::from_str(WIRE).expect("a token");
        wire.into_grant("client-1".into(), String::new(), Instant::now()).expect("a grant")
    }

    #[test]
    fn a_grant_names_objects_and_its_region() {
        let grant = grant();
        assert_eq!(grant.key_of("a.txt"), "d/e/a.txt");
        assert!(grant.holds("d/e/a.txt") && !grant.holds("d/e/f/a.txt") && !grant.holds("a.txt"));
        assert_eq!(grant.key.region, "cn-shenzhen");
        assert!(grant.is_fresh());
        assert_eq!(grant.redactor.cleaned("x canary-secret y").as_deref(), Some("x *** y"));
    }

    #[test]
    fn a_name_is_given_once_and_given_back_when_nothing_came_of_it() {
        let grant = Arc::new(grant());
        assert!(grant.claim(["a", "b"].into_iter()));
        assert!(!grant.claim(["c", "b"].into_iter()));
        assert!(grant.claim(["c"].into_iter()));
        for (is_used, free) in [(true, false), (false, true)] {
            let claim = Claim::new("d");
            grant.claim([claim.filename()].into_iter());
            claim.go_under(&grant);
            if is_used {
                claim.keep();
            }
            drop(claim);
            assert_eq!(grant.claim(["d"].into_iter()), free);
            grant.names().remove("d");
        }
    }

    #[test]
    fn credentials_are_renewed_before_they_end() {
        let now = Instant::now();
        let after = |seconds: i64| {
            let ends = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
            stale_at(&ends.format(&Rfc3339).expect("a date"), now).map(|at| (at - now).as_secs())
        };
        assert!(matches!(after(3600), Some(3298..=3300)), "{:?}", after(3600));
        assert!(matches!(after(100), Some(78..=80)), "{:?}", after(100));
        assert_eq!(after(-5), None);
    }
}
