//! The sandbox: a world, and what all requests to it share.

use std::sync::Arc;

use serde_json::{Value, json};

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
    connections: [Arc<Counter>; 2],
}

impl Sandbox {
    /// `endpoint` is the address of the platform side.
    pub fn new(world: World, endpoint: &str) -> Arc<Sandbox> {
        Arc::new(Sandbox {
            ready: ready(&world, endpoint),
            world: Arc::new(world),
            log: RequestLog::default(),
            faults: Faults::default(),
            rate_limit: RateLimit::default(),
            connections: [Arc::default(), Arc::default()],
        })
    }

    pub fn counter(&self, side: Side) -> &Arc<Counter> {
        match side {
            Side::Platform => &self.connections[0],
            Side::Store => &self.connections[1],
        }
    }
}

fn ready(world: &World, endpoint: &str) -> Value {
    let (oauth, samples) = (world.oauth(), world.samples());
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
    })
}
