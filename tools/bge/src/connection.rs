//! How the platform is reached: the options that every command takes.

use std::path::PathBuf;

use bge::Client;
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

    /// Where the library's log goes
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

impl Connection {
    /// A client with the credentials that are found.
    pub fn open(&self) -> Result<Client, Failure> {
        Ok(Client::open(&self.options())?)
    }

    /// The library's options, as JSON.
    fn options(&self) -> String {
        let mut options = Map::new();
        options.insert("user_agent".into(), concat!("bge/", env!("CARGO_PKG_VERSION")).into());
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let texts = [
            ("endpoint", self.endpoint.clone()),
            ("profile", self.profile.clone()),
            ("proxy", self.proxy.clone()),
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
        Value::Object(options).to_string()
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
