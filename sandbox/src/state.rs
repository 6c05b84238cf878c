//! Everything the sandbox knows, behind one handle that all requests share.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};

use crate::cli;
use crate::connection::Counter;
use crate::data::samples::Samples;
use crate::data::seed::{generator, word};
use crate::faults::Faults;
use crate::oauth::{OAuth, USER};
use crate::options::{Options, RateLimit};
use crate::platform::microbiome::Profiles;
use crate::platform::models::Models;
use crate::platform::phenotypes::Phenotypes;
use crate::platform::tasks::Tasks;
use crate::request_log::{RequestLog, Side};
use crate::store::{Store, StoreConfig};

const BUCKET: &str = "pre-bge-developer";
const REGION: &str = "cn-shenzhen";

pub struct Sandbox {
    pub seed: u64,
    /// The line of JSON that is printed at the start.
    pub ready: Value,
    pub store_endpoint: String,
    pub store: Arc<Store>,
    pub log: RequestLog,
    pub faults: Faults,
    pub rate_limit: RateLimit,
    pub profiles: Profiles,
    options: RwLock<Arc<Options>>,
    first_options: Options,
    connections: [Arc<Counter>; 2],
    oauth: Mutex<OAuth>,
    samples: RwLock<Samples>,
    models: Mutex<Models>,
    tasks: Mutex<Tasks>,
    phenotypes: Mutex<Phenotypes>,
}

impl Sandbox {
    /// An error means that the folder for the objects cannot be used.
    pub fn new(cli: &cli::Options, port: u16, store_port: u16) -> io::Result<Arc<Sandbox>> {
        let seed = cli.seed;
        let store = Store::new(StoreConfig {
            data_dir: cli.data_dir.clone(),
            bucket: BUCKET.into(),
            region: REGION.into(),
            seed,
        })?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let oauth = OAuth::new(seed);
        let samples = Samples::new(seed, cli.samples, USER, &oauth.credentials.id);
        let model_id = word(&mut generator(seed, &["model"]), 15);
        let ready = json!({
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
            "model_id": model_id,
        });
        Ok(Arc::new(Sandbox {
            seed,
            ready,
            store_endpoint: format!("http://127.0.0.1:{store_port}"),
            store,
            log: RequestLog::default(),
            faults: Faults::default(),
            rate_limit: RateLimit::default(),
            profiles: Profiles::new(seed, cli.taxa as usize),
            options: RwLock::new(Arc::new(Options::new(cli.latency, cli.rps))),
            first_options: Options::new(cli.latency, cli.rps),
            connections: [Arc::default(), Arc::default()],
            oauth: Mutex::new(oauth),
            samples: RwLock::new(samples),
            models: Mutex::new(Models::new(seed, model_id)),
            tasks: Mutex::default(),
            phenotypes: Mutex::default(),
        }))
    }

    pub fn counter(&self, side: Side) -> &Arc<Counter> {
        match side {
            Side::Platform => &self.connections[0],
            Side::Store => &self.connections[1],
        }
    }

    pub fn options(&self) -> Arc<Options> {
        Arc::clone(&self.options.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All options after the change, or why there was none.
    pub fn change_options(&self, changes: &Value) -> Result<Value, String> {
        let mut options = self.options.write().unwrap_or_else(PoisonError::into_inner);
        let changed = options.changed(changes)?;
        if let Some(of_store) = changes.get("store") {
            self.store.set_options(of_store)?;
        }
        *options = Arc::new(changed);
        Ok(self.describe_options(&options))
    }

    /// Back to the command line's options.
    pub fn reset_options(&self) -> Result<Value, String> {
        self.store.set_options(&json!({"reset": true}))?;
        let mut options = self.options.write().unwrap_or_else(PoisonError::into_inner);
        *options = Arc::new(self.first_options.clone());
        Ok(self.describe_options(&options))
    }

    /// The options of both sides.
    pub fn describe_options(&self, options: &Options) -> Value {
        let mut described = json!(options);
        described["store"] = self.store.options_json();
        described
    }

    pub fn oauth(&self) -> MutexGuard<'_, OAuth> {
        self.oauth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn samples(&self) -> RwLockReadGuard<'_, Samples> {
        self.samples.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn samples_mut(&self) -> RwLockWriteGuard<'_, Samples> {
        self.samples.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn models(&self) -> MutexGuard<'_, Models> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn phenotypes(&self) -> MutexGuard<'_, Phenotypes> {
        self.phenotypes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
