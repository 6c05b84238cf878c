//! What can be changed while the sandbox runs: `POST /__sandbox__/options`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogMode {
    /// Everything, with a SHA-256 of each body.
    Full,
    /// No hashes, no bodies.
    Light,
    /// Nothing.
    Off,
}

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
    /// A `limit` above this is 41001; 0: no such limit.
    pub max_limit: u64,
    /// What lists say as their `count`.
    pub count: Count,
    /// There is always a next page, and past the end it is the last one again.
    pub repeat_last_page: bool,
    /// Lists that are walked by tokens end with an empty `next_page` instead of null.
    pub empty_last_token: bool,
    /// `next_page` names the page just given, for ever.
    pub repeat_page_token: bool,
    /// `taxon_abundance` answers without `pagination`.
    pub omit_pagination: bool,
    /// A refresh gives no new refresh token; the one that was used stays good.
    pub omit_refresh_token: bool,
    /// Compress answers for those who accept it.
    pub gzip: bool,
    /// Answers of fewer bytes than this are not compressed.
    pub gzip_from: u64,
    /// Request lines of more bytes than this get 414; 0: no limit.
    pub max_request_line: u64,
    /// Seconds that the key service's clock is ahead (negative: behind).
    pub kms_clock_skew: i64,
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

/// What a list's `count` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Count {
    /// The rows of the list.
    Total,
    /// The rows of the page.
    Page,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            latency: 0,
            rps: 0,
            token_lifetime: 21_600,
            sts_lifetime: 3_600,
            page_cap: 1_000,
            max_limit: 0,
            count: Count::Total,
            repeat_last_page: false,
            empty_last_token: false,
            repeat_page_token: false,
            omit_pagination: false,
            omit_refresh_token: false,
            gzip: true,
            gzip_from: 1_024,
            max_request_line: 8_192,
            kms_clock_skew: 0,
            log: LogMode::Full,
            fresh_destination: false,
            base_path: String::new(),
            task_polls: 2,
            tasks_fail: false,
        }
    }
}

impl Options {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_keep_the_rest_and_unknown_names_are_refused() {
        let options = Options { latency: 5, rps: 7, ..Options::default() };
        let changed = options.changed(&json!({"page_cap": 3, "store": {"no_crc": true}})).unwrap();
        assert_eq!((changed.page_cap, changed.latency, changed.rps), (3, 5, 7));
        assert!(options.changed(&json!({"page_caps": 3})).is_err());
        assert!(options.changed(&json!({"page_cap": 0})).is_err());
        assert!(options.changed(&json!({"base_path": "gateway/"})).is_err());
        assert!(options.changed(&json!([])).is_err());
    }
}
