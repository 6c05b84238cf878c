//! What exists and changes: samples, tokens, models, tasks, objects, options. It knows nothing of HTTP requests.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};

pub mod clock;
pub mod data;
pub mod keys;
pub mod lock;
pub mod models;
pub mod options;
pub mod phenotypes;
pub mod profiles;
pub mod results;
pub mod samples;
pub mod store;
pub mod tasks;
pub mod tokens;

use data::seed::{generator, word};
use keys::Keys;
use lock::lock;
use models::Models;
use options::Options;
use phenotypes::Phenotypes;
use profiles::Profiles;
use results::{ResultFile, Results};
use samples::{Sample, Samples};
use store::{Store, StoreConfig};
use tasks::Tasks;
use tokens::{OAuth, USER};

const BUCKET: &str = "pre-bge-developer";
const REGION: &str = "cn-shenzhen";

/// What a world is made from.
pub struct Settings {
    pub seed: u64,
    /// Samples of the user.
    pub samples: u32,
    /// Taxa in the profile of each metagenome.
    pub taxa: u32,
    /// Where the objects are kept; in memory unless given.
    pub data_dir: Option<PathBuf>,
    /// The address at which the object store is served.
    pub store_endpoint: String,
    pub options: Options,
    /// Of the store: what `POST options` takes as `store`.
    pub store_options: Value,
}

pub struct World {
    pub seed: u64,
    pub store_endpoint: String,
    pub store: Arc<Store>,
    pub keys: Keys,
    pub profiles: Profiles,
    /// The model that the ready line names.
    pub model_id: String,
    results: Results,
    options: RwLock<Arc<Options>>,
    first_options: Options,
    first_store_options: Value,
    oauth: Mutex<OAuth>,
    samples: RwLock<Samples>,
    models: Mutex<Models>,
    tasks: Mutex<Tasks>,
    phenotypes: Mutex<Phenotypes>,
}

impl World {
    /// An error means that the folder for the objects cannot be used, or that there is no such option.
    pub fn new(settings: Settings) -> Result<World, String> {
        let Settings { seed, samples, taxa, data_dir, store_endpoint, options, store_options } = settings;
        let place = data_dir.clone();
        let store = Store::new(StoreConfig { data_dir, bucket: BUCKET.into(), region: REGION.into(), seed });
        let store = store.map_err(|error| match place {
            Some(folder) => format!("cannot use {} for the objects: {error}", folder.display()),
            None => format!("cannot start the object store: {error}"),
        })?;
        store.set_options(&store_options)?;
        let oauth = OAuth::new(seed);
        let samples = Samples::new(seed, samples, USER, &oauth.credentials.id);
        let model_id = word(&mut generator(seed, &["model"]), 15);
        Ok(World {
            seed,
            store_endpoint,
            store,
            keys: Keys::new(seed),
            profiles: Profiles::new(seed, taxa as usize),
            models: Mutex::new(Models::new(model_id.clone())),
            model_id,
            results: Results::default(),
            options: RwLock::new(Arc::new(options.clone())),
            first_options: options,
            first_store_options: store_options,
            oauth: Mutex::new(oauth),
            samples: RwLock::new(samples),
            tasks: Mutex::default(),
            phenotypes: Mutex::default(),
        })
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
        self.store.set_options(&self.first_store_options)?;
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

    /// The files of a sample's results, which are in the store from now on.
    pub fn result_files(&self, sample: &Sample) -> Vec<ResultFile> {
        self.results.of(self.seed, &self.store, &self.profiles.taxonomy, sample)
    }

    pub fn oauth(&self) -> MutexGuard<'_, OAuth> {
        lock(&self.oauth)
    }

    pub fn samples(&self) -> RwLockReadGuard<'_, Samples> {
        self.samples.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn samples_mut(&self) -> RwLockWriteGuard<'_, Samples> {
        self.samples.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn models(&self) -> MutexGuard<'_, Models> {
        lock(&self.models)
    }

    pub fn tasks(&self) -> MutexGuard<'_, Tasks> {
        lock(&self.tasks)
    }

    pub fn phenotypes(&self) -> MutexGuard<'_, Phenotypes> {
        lock(&self.phenotypes)
    }

    /// What has come into being while the sandbox runs, and the names of what was there from the start.
    pub fn to_json(&self) -> Value {
        json!({
            "store_endpoint": self.store_endpoint,
            "bucket": self.store.bucket(),
            "oauth": self.oauth().to_json(),
            "objects": self.store.objects_json(),
            "uploads": self.store.uploads_json(),
            "registered_samples": self.samples().registered_json(),
            "keys": self.keys.to_json(),
            "models": self.models().to_json(),
            "tasks": self.tasks().to_json(),
            "phenotypes": self.phenotypes().to_json(),
            "data_elements": data::elements::to_json(),
            "collection_id": data::elements::COLLECTION_ID,
        })
    }
}
