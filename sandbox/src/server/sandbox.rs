//! The sandbox: a world, and what all requests to it share.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::connection::Counter;
use super::faults::Faults;
use super::log::RequestLog;
use super::rate::RateLimit;
use super::side::Side;
use crate::world::World;
use crate::world::tokens::USER;

pub struct Sandbox {
    pub world: Arc<World>,
    /// The line of JSON that is printed at the start.
    pub ready: Value,
    pub log: RequestLog,
    pub faults: Faults,
    pub rate_limit: RateLimit,
    doors: [Door; Side::ALL.len()],
}

/// What is known of one side's listener.
#[derive(Default)]
struct Door {
    connections: Arc<Counter>,
    /// How long it is to be closed from now on.
    closing: watch::Sender<Duration>,
    /// Told when it is.
    closed: Notify,
}

impl Sandbox {
    /// `endpoint` is the address of the platform side, `kms` that of the key service.
    pub fn new(world: World, endpoint: &str, kms: &str) -> Arc<Sandbox> {
        Arc::new(Sandbox {
            ready: ready(&world, endpoint, kms),
            world: Arc::new(world),
            log: RequestLog::default(),
            faults: Faults::default(),
            rate_limit: RateLimit::default(),
            doors: Default::default(),
        })
    }

    pub fn counter(&self, side: Side) -> &Arc<Counter> {
        &self.doors[side as usize].connections
    }

    /// Lets one side refuse connections for a time, and break off those that it has; returns when it does.
    pub async fn close_for(&self, side: Side, time: Duration) {
        let door = &self.doors[side as usize];
        let mut closed = std::pin::pin!(door.closed.notified());
        closed.as_mut().enable();
        door.closing.send_replace(time);
        closed.await;
    }

    pub fn is_closed(&self, side: Side) {
        self.doors[side as usize].closed.notify_waiters();
    }

    /// Tells when, and how long, a side is closed.
    pub fn closing(&self, side: Side) -> watch::Receiver<Duration> {
        self.doors[side as usize].closing.subscribe()
    }
}

fn ready(world: &World, endpoint: &str, kms: &str) -> Value {
    let (oauth, samples) = (world.oauth(), world.samples());
    let [enabled, disabled, foreign] = world.keys.all().each_ref().map(|key| &key.id);
    json!({
        "endpoint": endpoint,
        "redirect_uri": format!("{endpoint}/callback"),
        "authorization_extra_query": format!("login={USER}&approve=1"),
        "authorization": {"client_id": oauth.authorization.id, "client_secret": oauth.authorization.secret},
        "credentials": {"client_id": oauth.credentials.id, "client_secret": oauth.credentials.secret},
        "access_token": oauth.printed,
        "biosample_id": samples.genome,
        "meta_biosample_id": samples.metagenome,
        "other_biosample_id": samples.foreign,
        "project_id": samples.projects[0],
        "model_id": world.model_id,
        "kms": {
            "endpoint": kms,
            "key_id": enabled,
            "disabled_key_id": disabled,
            "foreign_key_id": foreign,
            "access_key_id": world.keys.own.id,
            "access_key_secret": world.keys.own.secret,
        },
    })
}
