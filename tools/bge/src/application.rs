//! Whose client id and secret are used to sign in, and where they are stored.

use std::path::PathBuf;

use bge::{DEFAULT_ENDPOINT, OAuth2, Profiles, StoredProfile};
use clap::Args;
use serde_json::{Map, Value};

use crate::{call::flags::standard_input, connection::Connection, failure::Failure, terminal};

/// The sections of a profile.
pub const APPLICATION: &str = "OAuth2";
pub const TOKEN: &str = "Token";
/// What a profile keeps of a token, every value a text.
const OF_A_TOKEN: [&str; 6] =
    ["access_token", "token_type", "expires_in", "scope", "refresh_token", "grant_type"];

/// Unless given, they are those of BGE_CLIENT_ID and BGE_CLIENT_SECRET, else those of the profile; what is missing is
/// asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Application")]
pub struct Options {
    /// The application's client id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// A file that holds the application's client secret; - is standard input
    #[arg(long, value_name = "FILE|-")]
    client_secret_file: Option<PathBuf>,
}

/// An application, and the profile that it belongs to.
pub struct Application {
    pub profiles: Profiles,
    /// The profile's name.
    pub name: String,
    pub stored: StoredProfile,
    id: String,
    secret: String,
    endpoint: String,
}

impl Options {
    /// The application for the profile that `connection` names.
    pub fn find(&self, connection: &Connection) -> Result<Application, Failure> {
        let profiles = Profiles::of_user()?;
        let name = connection.profile_name(&profiles)?;
        self.find_for(connection, profiles, name)
    }

    /// The application for this profile.
    pub fn find_for(
        &self,
        connection: &Connection,
        profiles: Profiles,
        name: String,
    ) -> Result<Application, Failure> {
        let stored = profiles.read(&name)?.unwrap_or_default();
        let of_profile = |value: &str| stored.text(APPLICATION, value);
        let given = self.client_id.clone().or_else(|| variable("BGE_CLIENT_ID"));
        let id = match given.clone().or_else(|| of_profile("client_id")) {
            Some(id) => id,
            None => terminal::line("client_id", None)?,
        };
        let is_stored = of_profile("client_id").as_deref() == Some(&id);
        let of_environment =
            || variable("BGE_CLIENT_SECRET").filter(|_| variable("BGE_CLIENT_ID").is_none_or(|of| of == id));
        let secret = match &self.client_secret_file {
            Some(path) => secret_of(path)?,
            None => match of_environment().or_else(|| of_profile("client_secret").filter(|_| is_stored)) {
                Some(secret) => secret,
                None => terminal::secret("client_secret")?,
            },
        };
        let endpoint = connection.endpoint.clone().or_else(|| variable("BGE_ENDPOINT"));
        let endpoint =
            endpoint.or_else(|| of_profile("endpoint")).unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        Ok(Application { profiles, name, stored, id, secret, endpoint })
    }
}

impl Application {
    /// What signs in for it.
    pub fn oauth2(&self, connection: &Connection) -> Result<OAuth2, Failure> {
        let mut options = connection.way();
        options.insert("endpoint".into(), self.endpoint.clone().into());
        Ok(OAuth2::new(&self.id, &self.secret, &Value::Object(options).to_string())?)
    }

    /// Puts the application into its profile, with the token of an exchange where there is one. The first profile that
    /// there is becomes the active one.
    pub fn store(mut self, token_json: Option<&str>) -> Result<PathBuf, Failure> {
        for (name, value) in
            [("client_id", &self.id), ("client_secret", &self.secret), ("endpoint", &self.endpoint)]
        {
            self.stored.set(APPLICATION, name, value);
        }
        if let Some(json) = token_json {
            let token: Map<String, Value> = serde_json::from_str(json)
                .map_err(|_| Failure::other(told!("the answer holds no token", "返回中没有令牌")))?;
            // Nothing of an older token may stay beside the new one.
            self.stored.clear(TOKEN);
            for name in OF_A_TOKEN {
                let value = match token.get(name) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    _ => continue,
                };
                self.stored.set(TOKEN, name, &value);
            }
        }
        let is_first = !self.profiles.has_active()? && self.profiles.names()?.is_empty();
        let path = self.profiles.write(&self.name, &self.stored)?;
        if is_first {
            self.profiles.activate(&self.name)?;
        }
        Ok(path)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn secret_of(path: &std::path::Path) -> Result<String, Failure> {
    let text = match path.to_str() {
        Some("-") => standard_input()?,
        _ => std::fs::read_to_string(path).map_err(|cause| {
            let path = path.display();
            Failure::input(told!("{path} cannot be read: {cause}", "{path} 无法读取：{cause}"))
        })?,
    };
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned();
    if text.is_empty() {
        return Err(Failure::input(told!("the client secret must not be empty", "client_secret 不能为空")));
    }
    Ok(text)
}
