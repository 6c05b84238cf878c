//! Credentials found by themselves: in the options, the environment, or the profiles of the official `bge` command.

use std::{
    env,
    fs::{self, File},
    io::{ErrorKind, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ini::Ini;
use serde_json::{Map, Value};

use crate::{
    client::{Client, plain_token},
    credentials::{Credentials, Source, Token},
    error::{Error, Result},
    log::Logger,
    oauth2::App,
    options::{Open, Options},
    redact::Secret,
    transport::Transport,
};

impl Client {
    /// A client of the credentials that are found in `options_json`, the environment or a stored profile, looked at in
    /// this order. Nothing is written.
    pub fn open(options_json: &str) -> Result<Self> {
        let open = Open::read(options_json)?;
        let mut looked = vec!["options_json (access_token, or client_id and client_secret)".to_owned()];
        let named = open.credentials.profile.clone();
        let mut found = from_options(&open)?;
        if found.is_none() && named.is_none() {
            looked.push(
                "the environment (BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET)".to_owned(),
            );
            found = from_environment()?;
        }
        if found.is_none() {
            found = Profile::find(named, &mut looked)?.map(Profile::into_found).transpose()?;
        }
        let Some(found) = found else {
            return Err(Error::argument(
                "credentials",
                format!("were not found; looked at {}", looked.join("; ")),
            ));
        };
        let from_environment = variable("BGE_ENDPOINT");
        let endpoint = from_environment
            .as_deref()
            .map(|text| ("BGE_ENDPOINT", text))
            .or(found.endpoint.as_deref().map(|text| ("the profile's endpoint", text)));
        let options = open.options(endpoint)?;
        found.client(options)
    }
}

/// What was found, before it becomes a client.
struct Found {
    given: Given,
    endpoint: Option<String>,
    warning: Option<String>,
}

enum Given {
    Token(Token),
    Stored(Token),
    App(App, Option<Token>),
}

impl Found {
    fn of(given: Given) -> Self {
        Found { given, endpoint: None, warning: None }
    }

    fn client(self, options: Options) -> Result<Client> {
        let file = options.token_file.clone();
        let source = match self.given {
            Given::App(app, token) => Source::Renewed { app, token, file },
            Given::Token(token) => Source::Fixed(token),
            Given::Stored(token) => Source::Stored(token),
        };
        let log = Arc::new(Logger::new(options.log, options.log_file.clone())?);
        if let Some(warning) = self.warning {
            log.warn(warning);
        }
        Ok(Client::of(Transport::new(options, log)?, Credentials::new(source)?))
    }
}

fn from_options(open: &Open) -> Result<Option<Found>> {
    let given = &open.credentials;
    if let Some(token) = &given.access_token {
        return Ok(Some(Found::of(Given::Token(plain_token("access_token", token.reveal())?))));
    }
    app("client_id", given.client_id.clone(), "client_secret", given.client_secret.clone())
}

fn from_environment() -> Result<Option<Found>> {
    if let Some(token) = variable("BGE_ACCESS_TOKEN") {
        return Ok(Some(Found::of(Given::Token(plain_token("BGE_ACCESS_TOKEN", &token)?))));
    }
    let secret = variable("BGE_CLIENT_SECRET").map(|secret| Secret::new(&secret));
    app("BGE_CLIENT_ID", variable("BGE_CLIENT_ID"), "BGE_CLIENT_SECRET", secret)
}

fn app(
    id_name: &str,
    id: Option<String>,
    secret_name: &str,
    secret: Option<Secret>,
) -> Result<Option<Found>> {
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Some(Found::of(Given::App(App { id, secret }, None)))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::argument(secret_name, format!("is needed beside {id_name}"))),
        (None, Some(_)) => Err(Error::argument(id_name, format!("is needed beside {secret_name}"))),
    }
}

/// A variable of the environment; an empty one is none.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// A profile of the official `bge` command.
struct Profile {
    path: PathBuf,
    sections: Map<String, Value>,
    open_to_others: bool,
}

impl Profile {
    /// The profile `named`, or `BGE_PROFILE`, or the active one.
    fn find(named: Option<String>, looked: &mut Vec<String>) -> Result<Option<Self>> {
        let Some(home) = env::var_os("HOME").filter(|home| !home.is_empty()) else {
            looked.push("no stored profile, since HOME is not set".to_owned());
            return Ok(None);
        };
        let folder = Path::new(&home).join(".bge");
        let required = named.is_some();
        let name = match named.or_else(|| variable("BGE_PROFILE")) {
            Some(name) => name,
            None => match fs::read_to_string(folder.join("activate_project")) {
                Ok(text) if !text.trim().is_empty() => text.trim().to_owned(),
                _ => "default".to_owned(),
            },
        };
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(Error::argument("profile", "must be the name of a profile, not a path"));
        }
        for extension in ["json", "ini"] {
            let path = folder.join(format!("{name}.{extension}"));
            looked.push(path.display().to_string());
            if let Some(profile) = Self::read(path)? {
                return Ok(Some(profile));
            }
        }
        match required {
            true => {
                let places = looked.join("; ");
                Err(Error::argument("profile", format!("\"{name}\" does not exist; looked at {places}")))
            }
            false => Ok(None),
        }
    }

    fn read(path: PathBuf) -> Result<Option<Self>> {
        let unreadable = |cause| Error::io(format!("the profile {} cannot be read", path.display()), &cause);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(cause) => return Err(unreadable(cause)),
        };
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        let is_ini = path.extension().is_some_and(|extension| extension == "ini");
        let sections = if is_ini { ini_sections(&text) } else { serde_json::from_str(&text).ok() };
        let sections = sections
            .ok_or_else(|| malformed(&path, if is_ini { "is no INI file" } else { "is no JSON object" }))?;
        Ok(Some(Profile { path, sections, open_to_others: mode & 0o077 != 0 }))
    }

    fn into_found(self) -> Result<Found> {
        let section = |name: &str| match self.sections.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(section)) => Ok(Some(section.clone())),
            Some(_) => Err(malformed(&self.path, &format!("has a {name} that is no object"))),
        };
        let oauth2 = section("OAuth2")?.unwrap_or_default();
        let text = |name: &str| oauth2.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let token = section("Token")?.map(|token| {
            let json = Value::Object(token).to_string();
            Token::from_json(&json).ok_or_else(|| malformed(&self.path, "has a Token without access_token"))
        });
        let app = match (text("client_id"), text("client_secret")) {
            (Some(id), Some(secret)) => Some(App { id: id.to_owned(), secret: Secret::new(secret) }),
            _ => None,
        };
        let given = match (token.transpose()?, app) {
            (Some(token), _) if token.refresh.is_some() => Given::Stored(token.without_refresh()),
            (token, Some(app)) => Given::App(app, token),
            (Some(token), None) => Given::Token(token),
            (None, None) => return Err(malformed(&self.path, "has neither a Token nor an OAuth2 client")),
        };
        let endpoint = text("endpoint").map(str::to_owned);
        let warning = self
            .open_to_others
            .then(|| format!("warning: {} can be read by others: chmod 600 closes it", self.path.display()));
        Ok(Found { given, endpoint, warning })
    }
}

fn malformed(path: &Path, what: &str) -> Error {
    Error::argument(&format!("the profile {}", path.display()), what)
        .with_hint("run `bge login`, or remove the file")
}

/// The sections of an older profile, as the newer ones have them.
fn ini_sections(text: &str) -> Option<Map<String, Value>> {
    let ini = Ini::load_from_str_noescape(text).ok()?;
    let sections = ini.iter().filter_map(|(name, values)| {
        let values: Map<String, Value> =
            values.iter().map(|(key, value)| (key.to_lowercase(), value.into())).collect();
        Some((name?.to_owned(), Value::Object(values)))
    });
    Some(sections.collect())
}
