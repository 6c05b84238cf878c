//! One client's credentials for the object store, region by region, shared by all its transfers.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::Deserialize;

use super::{
    grant::{Claim, Grant, Succession, Wire, protocol},
    upload_options::Region,
};
use crate::{
    context::Context,
    error::{Error, Result, Status},
    options::OssSignature,
    platform::{args::Args, store_access::StoreAccess},
    sys::PerProcess,
};

/// Names that a renewed grant remembers.
const MOST_NAMES: usize = 50_000;

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

impl Slot {
    fn new(region: Region) -> Self {
        Slot {
            region,
            current: tokio::sync::Mutex::new(None),
            ahead: AtomicI64::new(0),
            v1_refused: AtomicBool::new(false),
        }
    }

    /// What is known now, unless it is another account's. Another call may be asking for it: that is waited for no longer
    /// than this one may take.
    async fn current(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
    ) -> Result<tokio::sync::MutexGuard<'_, Option<Arc<Grant>>>> {
        let mut current = context.bounded(async { Ok(self.current.lock().await) }).await?;
        current.take_if(|grant| grant.account != access.account());
        Ok(current)
    }

    /// Credentials that are still good.
    pub(super) async fn grant(&self, access: &dyn StoreAccess, context: &Context) -> Result<Arc<Grant>> {
        let mut current = self.current(access, context).await?;
        match &*current {
            Some(grant) if grant.is_fresh() => Ok(grant.clone()),
            _ => self.fetch(access, context, &mut current, Succession::Kept).await,
        }
    }

    /// Other credentials than these, which were refused.
    pub(super) async fn renewed(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        refused: &Arc<Grant>,
    ) -> Result<Arc<Grant>> {
        let mut current = self.current(access, context).await?;
        match &*current {
            Some(grant) if !Arc::ptr_eq(grant, refused) => Ok(grant.clone()),
            _ => self.fetch(access, context, &mut current, Succession::Kept).await,
        }
    }

    /// Takes all of these names under one grant.
    pub(super) async fn claim(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        claims: &[Arc<Claim>],
    ) -> Result<()> {
        let mut current = self.current(access, context).await?;
        let names = || claims.iter().map(|claim| claim.filename());
        let grant = match &*current {
            Some(grant) if grant.is_fresh() && grant.claim(names()) => grant.clone(),
            _ => {
                let grant = self.fetch(access, context, &mut current, Succession::Forgotten).await?;
                grant.claim(names());
                grant
            }
        };
        claims.iter().for_each(|claim| claim.go_under(&grant));
        Ok(())
    }

    /// For an upload that goes on: it has its name already, whoever else may have had it since.
    pub(super) async fn adopt(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        claim: &Claim,
    ) -> Result<()> {
        if !claim.is_taken() {
            let grant = self.grant(access, context).await?;
            grant.claim(std::iter::once(claim.filename()));
            claim.go_under(&grant);
        }
        Ok(())
    }

    /// The credentials that a name was claimed with, as long as they are good and the store has not refused them; then
    /// others, under which the name is its own as well.
    pub(super) async fn grant_of(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        claim: &Claim,
        refused: Option<&Arc<Grant>>,
    ) -> Result<Arc<Grant>> {
        let is_good = |grant: &Arc<Grant>| {
            grant.is_fresh() && refused.is_none_or(|refused| !Arc::ptr_eq(grant, refused))
        };
        let own = claim.grant().clone();
        if let Some(own) = own.filter(is_good) {
            return Ok(own);
        }
        let mut current = self.current(access, context).await?;
        let is_own =
            |grant: &Arc<Grant>| claim.is_under(grant) || grant.claim(std::iter::once(claim.filename()));
        let mut grant = match &*current {
            Some(grant) if is_good(grant) => grant.clone(),
            _ => self.fetch(access, context, &mut current, Succession::Kept).await?,
        };
        if !is_own(&grant) {
            grant = self.fetch(access, context, &mut current, Succession::Forgotten).await?;
            is_own(&grant);
        }
        claim.go_under(&grant);
        Ok(grant)
    }

    async fn fetch(
        &self,
        access: &dyn StoreAccess,
        context: &Context,
        current: &mut Option<Arc<Grant>>,
        names: Succession,
    ) -> Result<Arc<Grant>> {
        let mut args = Args::default();
        if let Some(region_id) = &self.region.region_id {
            args = args.with("region_id", region_id.as_str())?;
        }
        if self.region.internal {
            args = args.with("internal", true)?;
        }
        let (asked, account) = (Instant::now(), access.account());
        let json = access.upload_token(context, args).await?;
        let wire: Wire = serde_json::from_str(&json)
            .map_err(|_| protocol("the upload token lacks bucket, endpoint, destination or credentials"))?;
        let client_id = match &*current {
            Some(before) => before.client_id.clone(),
            None => introspect(access, context).await?,
        };
        let mut grant = wire.into_grant(client_id, account, asked)?;
        if let Some(before) = current.take()
            && names == Succession::Kept
            && before.names().len() <= MOST_NAMES
        {
            grant.names = before.names.clone();
        }
        let grant = Arc::new(grant);
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

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grants")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str = r#"{"bucket": "b", "endpoint": "oss-cn-shenzhen.aliyuncs.com", "destination": "d/e/",
        "credentials": {"access_key_id": "STS.id", "access_key_secret": "canary-secret", "security_token": "canary"}}"#;

    /// A platform that grants another destination each time.
    #[derive(Default)]
    struct Platform(AtomicI64, Mutex<String>);

    impl StoreAccess for Platform {
        fn upload_token<'a>(
            &'a self,
            _: &'a Context,
            _: Args,
        ) -> crate::platform::store_access::Answered<'a> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { Ok(WIRE.replace("d/e/", &format!("d{number}"))) })
        }

        fn introspection<'a>(&'a self, _: &'a Context) -> crate::platform::store_access::Answered<'a> {
            Box::pin(async { Ok(r#"{"active": true, "client_id": "c"}"#.to_owned()) })
        }

        fn presigned_address<'a>(
            &'a self,
            _: &'a Context,
            _: &'a Args,
        ) -> crate::platform::store_access::Answered<'a> {
            Box::pin(async { Err(Error::cancelled()) })
        }

        fn account(&self) -> String {
            self.1.lock().expect("no panic").clone()
        }

        fn explain(&self, _: &str, _: Option<&str>, error: Error) -> Error {
            error
        }
    }

    #[tokio::test]
    async fn a_name_stays_under_the_grant_that_it_was_claimed_in() {
        let platform = Platform::default();
        let context = Context::for_tests();
        let slot = Slot::new(Region::default());
        let claims = [Claim::new("a"), Claim::new("b")];
        slot.claim(&platform, &context, &claims).await.expect("claimed");
        let key = async |claim: &Claim, refused: Option<&Arc<Grant>>| {
            slot.grant_of(&platform, &context, claim, refused)
                .await
                .expect("a grant")
                .key_of(claim.filename())
        };
        let other = Claim::new("b");
        slot.claim(&platform, &context, std::slice::from_ref(&other)).await.expect("claimed");
        assert_eq!(key(&other, None).await, "d1/b");
        assert_eq!(
            (key(&claims[0], None).await, key(&claims[1], None).await),
            ("d0/a".into(), "d0/b".into())
        );
        // The store takes the first grant no more: "a" is free under the second, "b" is not.
        let refused = claims[0].grant().clone();
        assert_eq!(key(&claims[0], refused.as_ref()).await, "d1/a");
        assert_eq!(key(&claims[1], refused.as_ref()).await, "d2/b");
        // A renewal takes the names along, those of others under way, too.
        let (held, late) = (Claim::new("c"), Claim::new("c"));
        slot.claim(&platform, &context, std::slice::from_ref(&held)).await.expect("claimed");
        let refused = claims[1].grant().clone();
        assert_eq!(key(&claims[1], refused.as_ref()).await, "d3/b");
        assert_eq!(key(&held, None).await, "d2/c");
        slot.claim(&platform, &context, std::slice::from_ref(&late)).await.expect("claimed");
        assert_eq!(key(&late, None).await, "d4/c");
        assert_eq!(key(&Claim::new("b"), None).await, "d4/b");
    }

    #[tokio::test]
    async fn another_account_writes_nothing_where_the_first_one_may() {
        let platform = Platform::default();
        let context = Context::for_tests();
        let slot = Slot::new(Region::default());
        let claimed = async |name: &str| {
            let claim = Claim::new(name);
            slot.claim(&platform, &context, std::slice::from_ref(&claim)).await.expect("claimed");
            let grant = slot.grant_of(&platform, &context, &claim, None).await.expect("a grant");
            (grant.key_of(name), claim)
        };
        let (first, kept) = claimed("a").await;
        assert_eq!((first.as_str(), claimed("b").await.0.as_str()), ("d0/a", "d0/b"));
        *platform.1.lock().expect("no panic") = "another".to_owned();
        assert_eq!(claimed("c").await.0, "d1/c");
        // What is under way goes on as whom it began.
        let own = slot.grant_of(&platform, &context, &kept, None).await.expect("its own");
        assert_eq!(own.key_of("a"), "d0/a");
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
