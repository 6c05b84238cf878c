//! Temporary credentials of the object store: one for each region, shared by all transfers of a client, renewed before
//! they end and when the store says so.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{address::Bucket, sign::Key, upload_options::Region};
use crate::{
    context::Context,
    error::{Error, Result, Status},
    options::OssSignature,
    platform::{args::Args, store_access::StoreAccess},
    redact::{Redactor, Secret},
    sys::PerProcess,
};

/// Credentials are renewed this long before they end, or a fifth of their life if that is less.
const LEEWAY: Duration = Duration::from_secs(300);

/// Names that a renewed grant remembers.
const MOST_NAMES: usize = 50_000;

/// Whether names stay taken under the next grant: those of uploads under way do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Kept,
    Forgotten,
}

/// The credentials of each region that was asked for.
type Slots = HashMap<Region, Arc<Slot>>;

/// One client's credentials for the store. A forked child asks for its own.
#[derive(Clone)]
pub(crate) struct Grants(Arc<PerProcess<Mutex<Slots>>>);

impl Grants {
    pub(crate) fn new() -> Self {
        Grants(Arc::new(PerProcess::new(Mutex::default)))
    }

    pub(super) fn slot(&self, region: &Region) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        slots.entry(region.clone()).or_insert_with(|| Arc::new(Slot::new(region.clone()))).clone()
    }
}

/// The credentials for one region, and what is known of its store.
pub(super) struct Slot {
    region: Region,
    /// Held while they are fetched, so that one renewal is in flight.
    current: tokio::sync::Mutex<Option<Arc<Grant>>>,
    /// Seconds that the store's clock is ahead of ours.
    ahead: AtomicI64,
    v1_refused: AtomicBool,
}

/// What the platform grants: where to write, and as whom.
pub(super) struct Grant {
    pub bucket: Bucket,
    pub destination: String,
    pub key: Key,
    /// The platform's name for this application.
    pub client_id: String,
    /// What no message may show.
    pub redactor: Arc<Redactor>,
    stale_at: Option<Instant>,
    /// Names given away: a second object of the same name gets a grant of its own, as it may have another destination.
    names: Mutex<HashSet<String>>,
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

    fn is_fresh(&self) -> bool {
        self.stale_at.is_none_or(|stale_at| Instant::now() < stale_at)
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.names.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether all of these names were still free; then they are taken.
    fn claim(&self, wanted: &[String]) -> bool {
        let mut names = self.names();
        let free = wanted.iter().all(|name| !names.contains(name));
        if free {
            names.extend(wanted.iter().cloned());
        }
        free
    }
}

impl Slot {
    fn new(region: Region) -> Self {
        Slot {
            region,
            current: tokio::sync::Mutex::new(None),
            ahead: AtomicI64::new(0),
            v1_refused: AtomicBool::new(false),
        }
    }

    /// Credentials that are still good.
    pub(super) async fn grant(&self, access: &dyn StoreAccess, context: &Context) -> Result<Arc<Grant>> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(grant) if grant.is_fresh() => Ok(grant.clone()),
            _ => self.fetch(access, context, &mut current, Names::Kept).await,
        }
    }

    /// The same for new objects of these names.
    pub(super) async fn grant_for(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        names: &[String],
    ) -> Result<Arc<Grant>> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(grant) if grant.is_fresh() && grant.claim(names) => Ok(grant.clone()),
            _ => {
                let grant = self.fetch(access, context, &mut current, Names::Forgotten).await?;
                grant.claim(names);
                Ok(grant)
            }
        }
    }

    /// Other credentials than these, which the store refused.
    pub(super) async fn renewed(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        refused: &Arc<Grant>,
    ) -> Result<Arc<Grant>> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(grant) if !Arc::ptr_eq(grant, refused) => Ok(grant.clone()),
            _ => self.fetch(access, context, &mut current, Names::Kept).await,
        }
    }

    async fn fetch(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        current: &mut Option<Arc<Grant>>,
        names: Names,
    ) -> Result<Arc<Grant>> {
        let mut args = Args::default();
        if let Some(region_id) = &self.region.region_id {
            args = args.with("region_id", region_id.as_str())?;
        }
        if self.region.internal {
            args = args.with("internal", true)?;
        }
        let asked = Instant::now();
        let json = access.upload_token(context, args).await?;
        let wire: Wire = serde_json::from_str(&json)
            .map_err(|_| protocol("the upload token lacks bucket, endpoint, destination or credentials"))?;
        let client_id = match &*current {
            Some(before) => before.client_id.clone(),
            None => introspect(access, context).await?,
        };
        let grant = Arc::new(wire.into_grant(client_id, asked)?);
        if let Some(before) = current.take()
            && names == Names::Kept
        {
            grant.names().extend(before.names().drain().take(MOST_NAMES));
        }
        *current = Some(grant.clone());
        Ok(grant)
    }

    pub(super) fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let now = SystemTime::now();
        let moved = if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) };
        moved.unwrap_or(now)
    }

    /// Takes the store's clock for the right one.
    pub(super) fn set_clock(&self, server: SystemTime) {
        let now = SystemTime::now();
        let ahead = match server.duration_since(now) {
            Ok(ahead) => i64::try_from(ahead.as_secs()).unwrap_or(0),
            Err(behind) => -i64::try_from(behind.duration().as_secs()).unwrap_or(0),
        };
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    pub(super) fn signature(&self, wanted: OssSignature) -> OssSignature {
        if self.v1_refused.load(Ordering::Relaxed) { OssSignature::V4 } else { wanted }
    }

    pub(super) fn refuse_v1(&self) {
        self.v1_refused.store(true, Ordering::Relaxed);
    }
}

#[derive(Deserialize)]
struct Wire {
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
    fn into_grant(self, client_id: String, asked: Instant) -> Result<Grant> {
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
            redactor: Arc::new(redactor),
            stale_at: credentials.expiration.as_deref().and_then(|text| stale_at(text, asked)),
            names: Mutex::default(),
        })
    }
}

/// When credentials are to be renewed. By a clock that calls them ended already, nothing can be told: then the store
/// says so.
fn stale_at(expiration: &str, asked: Instant) -> Option<Instant> {
    let ends = OffsetDateTime::parse(expiration, &Rfc3339).ok()?;
    let life = SystemTime::from(ends).duration_since(SystemTime::now()).ok()?;
    asked.checked_add(life - LEEWAY.min(life / 5))
}

/// Who the platform takes this client for.
async fn introspect(access: &dyn StoreAccess, context: &Context) -> Result<String> {
    #[derive(Deserialize)]
    struct Introspection {
        active: Option<bool>,
        client_id: Option<String>,
    }
    let json = access.introspection(context).await?;
    let answer: Introspection = serde_json::from_str(&json)
        .map_err(|_| protocol("the answer of introspect is no object of active and client_id"))?;
    if answer.active == Some(false) {
        return Err(Error::new(Status::Auth, "the access token is not active: nothing was uploaded"));
    }
    answer.client_id.ok_or_else(|| protocol("the answer of introspect names no client_id"))
}

fn protocol(what: &str) -> Error {
    Error::new(Status::Protocol, what)
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grants")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str = r#"{"bucket": "b", "endpoint": "oss-cn-shenzhen.aliyuncs.com", "destination": "d/e/",
        "credentials": {"access_key_id": "STS.id", "access_key_secret": "canary-secret", "security_token": "canary"}}"#;

    fn grant() -> Grant {
        let wire: Wire = serde_json::from_str(WIRE).expect("a token");
        wire.into_grant("client-1".into(), Instant::now()).expect("a grant")
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
    fn a_name_is_given_once() {
        let grant = grant();
        assert!(grant.claim(&["a".into(), "b".into()]));
        assert!(!grant.claim(&["c".into(), "b".into()]));
        assert!(grant.claim(&["c".into()]));
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

    #[test]
    fn the_stores_clock_counts() {
        let slot = Slot::new(Region::default());
        slot.set_clock(SystemTime::now() + Duration::from_secs(7200));
        let ahead = slot.now().duration_since(SystemTime::now()).expect("ahead").as_secs();
        assert!((7190..=7200).contains(&ahead), "{ahead}");
        slot.set_clock(SystemTime::now() - Duration::from_secs(7200));
        assert!(slot.now() < SystemTime::now());
    }
}
