//! What configures a client: the members of `options_json`, checked once.

use std::{path::PathBuf, time::Duration};

use serde_json::{Map, Value};
use url::Url;

use crate::{
    error::{Error, Result},
    log::{Format, Level},
    redact::Secret,
};

/// The platform's first address.
pub const DEFAULT_ENDPOINT: &str = "https://api.bge.genomics.cn";
/// The platform's second address, for when the first cannot be reached.
pub const DEFAULT_FALLBACK: &str = "https://api.bge.omgut.com";

/// Which signature uploads use; the object store is retiring V1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OssSignature {
    #[default]
    V1,
    V4,
}

/// Credentials for the key service.
#[derive(Clone, Debug)]
pub(crate) struct KmsCredentials {
    pub id: Secret,
    pub secret: Secret,
    pub token: Option<Secret>,
}

/// A client's configuration.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub endpoint: Url,
    pub fallback: Option<Url>,
    /// The longest silence of an attempt: no byte moves either way.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// Of one call, with all its attempts and waits.
    pub deadline: Option<Duration>,
    /// `None`: as often as an ordinary outage takes.
    pub max_retries: Option<u32>,
    pub max_connections: usize,
    pub max_threads: usize,
    /// Bytes of one answer, after decompression.
    pub max_answer: u64,
    /// Requests to the platform in a second.
    pub rate_limit: Option<f64>,
    /// The file through which processes share it.
    pub rate_budget: Option<PathBuf>,
    pub proxy: Option<Secret>,
    pub ca_file: Option<PathBuf>,
    pub user_agent: String,
    pub log: Level,
    pub log_file: Option<PathBuf>,
    pub log_format: Format,
    pub token_file: Option<PathBuf>,
    pub oss_signature: OssSignature,
    pub kms_endpoint: Option<Url>,
    /// Whom the key service is asked as; without them, as whom files are uploaded.
    pub kms_credentials: Option<KmsCredentials>,
}

/// The options that only say where credentials are.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialOptions {
    pub profile: Option<String>,
    pub access_token: Option<Secret>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
}

const CLIENT: [&str; 23] = [
    "endpoint",
    "fallback_endpoint",
    "timeout",
    "connect_timeout",
    "max_retries",
    "max_connections",
    "max_threads",
    "max_answer",
    "rate_limit",
    "rate_budget",
    "proxy",
    "ca_file",
    "user_agent",
    "log",
    "log_file",
    "log_format",
    "deadline",
    "token_file",
    "oss_signature",
    "kms_endpoint",
    "kms_access_key_id",
    "kms_access_key_secret",
    "kms_security_token",
];
const CREDENTIALS: [&str; 4] = ["profile", "access_token", "client_id", "client_secret"];

/// Reads the options of `bge_api_new` and `bge_oauth2_new`.
pub(crate) fn client(json: &str) -> Result<Options> {
    read(&object(json)?, &CLIENT)
}

/// The options of `bge_api_open`, which also say where credentials are.
pub(crate) struct Open {
    given: Map<String, Value>,
    pub credentials: CredentialOptions,
}

impl Open {
    pub(crate) fn read(json: &str) -> Result<Self> {
        let given = object(json)?;
        let fields = Fields(&given);
        let credentials = CredentialOptions {
            profile: fields.text("profile")?,
            access_token: fields.text("access_token")?.map(|token| Secret::new(&token)),
            client_id: fields.text("client_id")?,
            client_secret: fields.text("client_secret")?.map(|secret| Secret::new(&secret)),
        };
        let open = Open { given, credentials };
        open.options(None)?;
        Ok(open)
    }

    /// All of them; `endpoint`, with the name of the place that it comes from, counts when none was given.
    pub(crate) fn options(&self, endpoint: Option<(&str, &str)>) -> Result<Options> {
        let names: Vec<&str> = CLIENT.iter().chain(&CREDENTIALS).copied().collect();
        let mut given = self.given.clone();
        if let Some((place, text)) = endpoint
            && given.get("endpoint").is_none_or(Value::is_null)
        {
            self::endpoint(place, text)?;
            given.insert("endpoint".to_owned(), text.into());
        }
        read(&given, &names)
    }
}

fn object(json: &str) -> Result<Map<String, Value>> {
    serde_json::from_str::<Map<String, Value>>(json)
        .map_err(|cause| Error::argument("options_json", "must be one JSON object").with_cause(place(&cause)))
}

/// Where a JSON text went wrong, without repeating any of it: it may hold a secret.
pub(crate) fn place(cause: &serde_json::Error) -> String {
    format!("line {}, column {}", cause.line(), cause.column())
}

fn read(given: &Map<String, Value>, names: &[&str]) -> Result<Options> {
    for name in given.keys() {
        if !names.contains(&name.as_str()) {
            return Err(unknown("option", name, names));
        }
    }
    let fields = Fields(given);
    let named = fields.text("endpoint")?;
    let endpoint = endpoint("endpoint", named.as_deref().unwrap_or(DEFAULT_ENDPOINT))?;
    let fallback = match fields.text("fallback_endpoint")? {
        Some(text) if text.is_empty() => None,
        Some(text) => Some(self::endpoint("fallback_endpoint", &text)?),
        None if is_default(&endpoint) => Url::parse(DEFAULT_FALLBACK).ok(),
        None => None,
    };
    let user_agent = fields
        .text("user_agent")?
        .unwrap_or_else(|| concat!("libbge/", env!("CARGO_PKG_VERSION")).to_owned());
    if reqwest::header::HeaderValue::from_str(&user_agent).is_err() {
        return Err(Error::argument("user_agent", "must be text without control characters"));
    }
    Ok(Options {
        endpoint,
        fallback,
        timeout: fields.seconds("timeout")?.unwrap_or(Duration::from_secs(18)),
        connect_timeout: fields.seconds("connect_timeout")?.unwrap_or(Duration::from_secs(10)),
        deadline: fields.seconds("deadline")?,
        max_retries: fields.whole("max_retries", 0..=100)?.map(|most| most as u32),
        max_connections: fields.whole("max_connections", 1..=1024)?.unwrap_or(32) as usize,
        max_threads: fields.whole("max_threads", 1..=256)?.unwrap_or(16) as usize,
        max_answer: fields.whole("max_answer", 1..=1 << 40)?.unwrap_or(1 << 30),
        rate_limit: fields.rate("rate_limit")?,
        rate_budget: fields.path("rate_budget")?,
        proxy: fields.text("proxy")?.map(|proxy| Secret::new(&proxy)),
        ca_file: fields.path("ca_file")?,
        user_agent,
        log: fields.level()?,
        log_file: fields.path("log_file")?,
        log_format: match fields.text("log_format")?.as_deref() {
            None | Some("text") => Format::Text,
            Some("json") => Format::Json,
            Some(_) => return Err(Error::argument("log_format", "must be \"text\" or \"json\"")),
        },
        token_file: fields.path("token_file")?,
        oss_signature: match fields.text("oss_signature")?.as_deref() {
            None | Some("v1") => OssSignature::V1,
            Some("v4") => OssSignature::V4,
            Some(_) => return Err(Error::argument("oss_signature", "must be \"v1\" or \"v4\"")),
        },
        kms_endpoint: match fields.text("kms_endpoint")? {
            Some(text) => Some(self::endpoint("kms_endpoint", &text)?),
            None => None,
        },
        kms_credentials: kms_credentials(&fields)?,
    })
}

/// Id and secret come together, and a token only with them.
fn kms_credentials(fields: &Fields<'_>) -> Result<Option<KmsCredentials>> {
    let text = |name: &str| Ok::<_, Error>(fields.text(name)?.filter(|text| !text.is_empty()));
    let token = text("kms_security_token")?.map(|token| Secret::new(&token));
    let (id, secret) = (text("kms_access_key_id")?, text("kms_access_key_secret")?);
    match (id, secret) {
        (Some(id), Some(secret)) => {
            Ok(Some(KmsCredentials { id: Secret::new(&id), secret: Secret::new(&secret), token }))
        }
        (None, None) if token.is_none() => Ok(None),
        (None, _) => Err(Error::argument("kms_access_key_id", "belongs to kms_access_key_secret: give both")),
        (Some(_), None) => {
            Err(Error::argument("kms_access_key_secret", "belongs to kms_access_key_id: give both"))
        }
    }
}

fn is_default(endpoint: &Url) -> bool {
    Url::parse(DEFAULT_ENDPOINT).is_ok_and(|default| default == *endpoint)
}

/// An unknown name, with the known one nearest to it.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> Error {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    let error = Error::argument(&shown, format!("is no known {what}"));
    match nearest {
        Some((likeness, candidate)) if likeness > 0.7 => {
            error.with_hint(format!("did you mean \"{candidate}\"?"))
        }
        _ => error.with_hint(format!("known are: {}", known.join(", "))),
    }
}

/// An address of the platform: http or https, a path kept as a prefix.
pub(crate) fn endpoint(name: &str, text: &str) -> Result<Url> {
    let wrong =
        || Error::argument(name, "must be an http or https address such as https://api.bge.genomics.cn");
    let mut url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || url.password().is_some() {
        return Err(wrong());
    }
    let prefix = url.path().trim_end_matches('/').to_owned();
    url.set_path(&prefix);
    Ok(url)
}

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.contains('\0') => Ok(Some(text.clone())),
            Some(_) => Err(Error::argument(name, "must be a string")),
        }
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.get(name).map(|value| seconds(name, value)).transpose()
    }

    fn whole(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>> {
        self.get(name).map(|value| whole(name, value, range)).transpose()
    }

    fn level(&self) -> Result<Level> {
        Ok(match self.text("log")?.as_deref() {
            None => Level::default(),
            Some("off") => Level::Off,
            Some("error") => Level::Error,
            Some("info") => Level::Info,
            Some("debug") => Level::Debug,
            Some(_) => return Err(Error::argument("log", "must be off, error, info or debug")),
        })
    }

    /// A file, named for good: where the process goes later does not matter.
    fn path(&self, name: &str) -> Result<Option<PathBuf>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.is_empty() {
            return Err(Error::argument(name, "must name a file"));
        }
        let path = std::path::absolute(&text).map_err(|cause| {
            Error::argument(name, "is relative, and the working folder is not known").with_cause(cause)
        })?;
        Ok(Some(path))
    }

    fn rate(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let rate = value.as_f64().filter(|rate| rate.is_finite() && *rate > 0.0);
        rate.map(Some).ok_or_else(|| Error::argument(name, "must be a number of requests per second above 0"))
    }
}

/// A number of seconds above zero.
pub(crate) fn seconds(name: &str, value: &Value) -> Result<Duration> {
    value
        .as_f64()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds.min(1e9)).ok())
        .filter(|wait| !wait.is_zero())
        .ok_or_else(|| Error::argument(name, "must be a number of seconds above 0"))
}

/// A whole number within a range.
pub(crate) fn whole(name: &str, value: &Value, range: std::ops::RangeInclusive<u64>) -> Result<u64> {
    value.as_u64().filter(|number| range.contains(number)).ok_or_else(|| {
        let wanted = format!("must be a whole number from {} to {}", range.start(), range.end());
        Error::argument(name, wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_means_the_documented_defaults() {
        let options = client("{}").expect("defaults");
        assert_eq!(options.endpoint.as_str(), "https://api.bge.genomics.cn/");
        assert_eq!(options.fallback.as_ref().map(Url::as_str), Some("https://api.bge.omgut.com/"));
        assert_eq!((options.timeout.as_secs(), options.connect_timeout.as_secs()), (18, 10));
        assert_eq!((options.max_retries, options.max_connections, options.max_threads), (None, 32, 16));
        assert_eq!((options.max_answer, options.rate_limit), (1 << 30, None));
        assert_eq!(options.deadline, None);
    }

    #[test]
    fn the_second_address_belongs_to_the_first_only() {
        let elsewhere = client(r#"{"endpoint": "https://sandbox.example/gateway/"}"#).expect("an endpoint");
        assert_eq!(elsewhere.endpoint.path(), "/gateway");
        assert_eq!(elsewhere.fallback, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, part) in [
            (r#"{"timeot": 3}"#, "did you mean \"timeout\""),
            (r#"{"timeout": 0}"#, "timeout must be"),
            (r#"{"timeout": "3"}"#, "timeout must be"),
            (r#"{"max_retries": -1}"#, "max_retries must be"),
            (r#"{"max_retries": 1.5}"#, "max_retries must be"),
            (r#"{"max_answer": 0}"#, "max_answer must be"),
            (r#"{"rate_limit": 0}"#, "rate_limit must be"),
            (r#"{"rate_limit": -1}"#, "rate_limit must be"),
            (r#"{"rate_limit": "5"}"#, "rate_limit must be"),
            (r#"{"rate_budget": ""}"#, "rate_budget must"),
            (r#"{"ca_file": ""}"#, "ca_file must"),
            (r#"{"endpoint": "ftp://x"}"#, "endpoint must be"),
            (r#"{"endpoint": "https://user:pw@x/"}"#, "endpoint must be"),
            (r#"{"oss_signature": "v2"}"#, "oss_signature must be"),
            (r#"{"client_id": "x"}"#, "client_id is no known option"),
            (r#"[1]"#, "options_json must be"),
            (r#"{"log": "loud"}"#, "log must be"),
        ] {
            let error = client(json).expect_err(json);
            assert!(error.message().contains(part), "{json}: {error}");
            assert_eq!(error.status(), crate::error::Status::Argument);
        }
    }

    #[test]
    fn a_file_is_where_it_was_when_the_client_was_made() {
        let json = r#"{"token_file": "t.json", "rate_budget": "../b", "log_file": "/var/log/x"}"#;
        let options = client(json).expect("options");
        let here = std::env::current_dir().expect("a folder");
        assert_eq!(options.token_file, Some(here.join("t.json")));
        assert_eq!(options.rate_budget, Some(here.join("../b")));
        assert_eq!(options.log_file.as_deref(), Some(std::path::Path::new("/var/log/x")));
    }
}
