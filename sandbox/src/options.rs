//! What can be changed while the sandbox runs: `POST /__sandbox__/options`.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request_log::LogMode;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Milliseconds before each answer of the platform.
    pub latency: u64,
    /// Requests per second that the platform answers; 0: no limit.
    pub rps: u32,
    /// Seconds that access tokens issued from now on live.
    pub token_lifetime: u64,
    /// Seconds that credentials of the object store issued from now on live.
    pub sts_lifetime: u64,
    /// No page has more rows than this, whatever `limit` says.
    pub page_cap: u64,
    /// `next_page` names the page just given, for ever.
    pub repeat_page_token: bool,
    /// `taxon_abundance` answers without `pagination`.
    pub omit_pagination: bool,
    /// Compress answers for those who accept it.
    pub gzip: bool,
    /// What the request log holds.
    pub log: LogMode,
    /// Each upload token has a destination of its own, instead of one for each caller.
    pub fresh_destination: bool,
    /// The platform also answers below this path, such as `/gateway`.
    pub base_path: String,
    /// How often a task says that it is not done.
    pub task_polls: u32,
    /// All tasks fail.
    pub tasks_fail: bool,
}

impl Options {
    pub fn new(latency: u64, rps: u32) -> Options {
        Options {
            latency,
            rps,
            token_lifetime: 21_600,
            sts_lifetime: 3_600,
            page_cap: 1_000,
            repeat_page_token: false,
            omit_pagination: false,
            gzip: true,
            log: LogMode::Full,
            fresh_destination: false,
            base_path: String::new(),
            task_polls: 2,
            tasks_fail: false,
        }
    }

    /// The options with some of them changed; `store` is somebody else's.
    pub fn changed(&self, changes: &Value) -> Result<Options, String> {
        let changes = changes.as_object().ok_or("options are a JSON object")?;
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (name, value) in changes.iter().filter(|(name, _)| *name != "store") {
            all[name.as_str()] = value.clone();
        }
        let options = Options::deserialize(all).map_err(|error| error.to_string())?;
        if options.page_cap == 0 {
            return Err("`page_cap` must be at least 1".into());
        }
        if !options.base_path.is_empty()
            && (!options.base_path.starts_with('/') || options.base_path.ends_with('/'))
        {
            return Err("`base_path` starts with `/` and does not end with one".into());
        }
        Ok(options)
    }
}

/// A bucket of one second's worth of requests that fills evenly.
#[derive(Debug, Default)]
pub struct RateLimit {
    bucket: Mutex<Option<(f64, Instant)>>,
}

impl RateLimit {
    /// Takes one request out of the bucket, or says in how many seconds there will be one.
    pub fn take(&self, rps: u32) -> Result<(), u64> {
        if rps == 0 {
            return Ok(());
        }
        let rate = f64::from(rps);
        let now = Instant::now();
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, since) = bucket.unwrap_or((rate, now));
        let level = (level + now.duration_since(since).as_secs_f64() * rate).min(rate);
        if level >= 1.0 {
            *bucket = Some((level - 1.0, now));
            Ok(())
        } else {
            *bucket = Some((level, now));
            Err((((1.0 - level) / rate).ceil() as u64).max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_keep_the_rest_and_unknown_names_are_refused() {
        let options = Options::new(5, 7);
        let changed = options.changed(&json!({"page_cap": 3, "store": {"no_crc": true}})).unwrap();
        assert_eq!((changed.page_cap, changed.latency, changed.rps), (3, 5, 7));
        assert!(options.changed(&json!({"page_caps": 3})).is_err());
        assert!(options.changed(&json!({"page_cap": 0})).is_err());
        assert!(options.changed(&json!({"base_path": "gateway/"})).is_err());
        assert!(options.changed(&json!([])).is_err());
    }

    #[test]
    fn the_bucket_holds_one_second() {
        let limit = RateLimit::default();
        let allowed = (0..20).filter(|_| limit.take(5).is_ok()).count();
        assert_eq!(allowed, 5);
        assert_eq!(limit.take(5), Err(1));
        assert_eq!(limit.take(0), Ok(()));
    }
}
