//! How the platform is reached: the options that every command takes.

use std::path::PathBuf;

use bge::{Client, Profiles, StoredProfile};
use clap::Args;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Unless given, the library's own defaults hold.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// The platform's address
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,

    /// The stored profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The longest silence of the platform
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<f64>,

    /// How long one request may take in all, its repeats included
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub deadline: Option<f64>,

    /// How often a request is repeated; unless given, as often as half a minute takes
    #[arg(long, global = true, value_name = "N")]
    pub max_retries: Option<u32>,

    /// Requests per second, at most
    #[arg(long, global = true, value_name = "R", value_parser = rate)]
    pub rate_limit: Option<f64>,

    /// A file through which all processes of this machine keep to --rate-limit together
    #[arg(long, global = true, value_name = "FILE")]
    pub rate_budget: Option<PathBuf>,

    /// The proxy, such as http://proxy:3128 or socks5h://proxy:1080
    #[arg(long, global = true, value_name = "URL")]
    pub proxy: Option<String>,

    /// Certificates to trust, as a PEM file
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// The key service's address; that of the store's region unless given
    #[arg(long, global = true, value_name = "URL")]
    pub kms_endpoint: Option<String>,

    /// Where the library's log goes
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

impl Connection {
    /// A client with the credentials that are found.
    pub fn open(&self) -> Result<Client, Failure> {
        Ok(Client::open(&Value::Object(self.options()).to_string())?)
    }

    /// A client of a given access token, at the address of the profile.
    pub fn with_token(&self, access_token: &str) -> Result<Client, Failure> {
        let mut options = self.way();
        if !options.contains_key("endpoint")
            && let Some(endpoint) = self.stored()?.and_then(|stored| stored.text("OAuth2", "endpoint"))
            && std::env::var_os("BGE_ENDPOINT").is_none_or(|value| value.is_empty())
        {
            options.insert("endpoint".into(), endpoint.into());
        }
        options.insert("access_token".into(), access_token.into());
        Ok(Client::open(&Value::Object(options).to_string())?)
    }

    /// The name of the profile that is meant.
    pub fn profile_name(&self, profiles: &Profiles) -> Result<String, Failure> {
        let variable = || std::env::var("BGE_PROFILE").ok().filter(|name| !name.trim().is_empty());
        match self.profile.clone().or_else(variable) {
            Some(name) => Ok(profiles.name(&name)?),
            None => Ok(profiles.active()?),
        }
    }

    /// The profile that is meant, where there is one.
    pub fn stored(&self) -> Result<Option<StoredProfile>, Failure> {
        let Ok(profiles) = Profiles::of_user() else { return Ok(None) };
        Ok(profiles.read(&self.profile_name(&profiles)?)?)
    }

    /// The library's options.
    pub fn options(&self) -> Map<String, Value> {
        let mut options = self.way();
        options.extend(self.profile.clone().map(|profile| ("profile".to_owned(), profile.into())));
        options
    }

    /// Those that say how the platform is reached, and not as whom.
    pub fn way(&self) -> Map<String, Value> {
        let mut options = Map::new();
        options.insert("user_agent".into(), concat!("bge/", env!("CARGO_PKG_VERSION")).into());
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let texts = [
            ("endpoint", self.endpoint.clone()),
            ("proxy", self.proxy.clone()),
            ("kms_endpoint", self.kms_endpoint.clone()),
            ("ca_file", path(&self.ca_file)),
            ("log_file", path(&self.log_file)),
            ("rate_budget", path(&self.rate_budget)),
        ];
        for (name, value) in texts {
            options.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let numbers =
            [("timeout", self.timeout), ("deadline", self.deadline), ("rate_limit", self.rate_limit)];
        for (name, value) in numbers {
            options.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        options.extend(self.max_retries.map(|number| ("max_retries".to_owned(), number.into())));
        options
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    number.ok_or_else(|| "must be a number of requests per second above 0".into())
}

/// A number of seconds, up to 30 days.
pub fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|seconds: &f64| (0.0..=2_592_000.0).contains(seconds));
    number.ok_or_else(|| "must be seconds, 0 or more".into())
}
