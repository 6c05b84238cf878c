//! The profiles in `~/.bge`, shared with the official `bge` command, as they are found and read.

use std::{
    env,
    fs::{self, File},
    io::{ErrorKind, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    found::{Found, Given, variable},
    grants::App,
    ini,
    token::{Token, trimmed},
};
use crate::{
    error::{Error, Result},
    redact::Secret,
};

/// No profile is longer.
const MOST: u64 = 1 << 20;
/// The file that names the active profile.
pub(super) const ACTIVE: &str = "activate_project";
/// The profile of those who never chose one.
pub(super) const DEFAULT: &str = "default";
/// Of today's profiles, and of those that older versions wrote.
pub(super) const EXTENSIONS: [&str; 2] = ["json", "ini"];

/// Where the profiles are; `None` where nobody is at home.
pub(super) fn folder() -> Option<PathBuf> {
    let home = env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(Path::new(&home).join(".bge"))
}

pub(super) fn check_name(name: &str) -> Result<()> {
    if name.is_empty()
        || name.starts_with('.')
        || name.contains(['/', '\\'])
        || name.contains(char::is_control)
    {
        return Err(Error::argument("profile", "must be the name of a profile, not a path"));
    }
    Ok(())
}

/// A stored profile.
pub(super) struct Profile {
    pub(super) path: PathBuf,
    pub(super) sections: Map<String, Value>,
    open_to_others: bool,
}

impl Profile {
    /// The profile `named`, or `BGE_PROFILE`, or the active one.
    pub(super) fn find(named: Option<String>, looked: &mut Vec<String>) -> Result<Option<Self>> {
        let Some(folder) = folder() else {
            looked.push("no stored profile, since HOME is not set".to_owned());
            return Ok(None);
        };
        let required = named.is_some();
        let name = match named {
            Some(name) => Some(name),
            None => variable("BGE_PROFILE")?,
        };
        let name = match name {
            Some(name) => name,
            None => active(&folder)?.unwrap_or_else(|| DEFAULT.to_owned()),
        };
        if let Some(profile) = Self::named(&folder, &name, looked)? {
            return Ok(Some(profile));
        }
        match required {
            true => {
                let places = looked.join("; ");
                Err(Error::argument("profile", format!("\"{name}\" does not exist; looked at {places}")))
            }
            false => Ok(None),
        }
    }

    /// The profile of this name, as JSON or as older versions wrote it.
    pub(super) fn named(folder: &Path, name: &str, looked: &mut Vec<String>) -> Result<Option<Self>> {
        check_name(name)?;
        for extension in EXTENSIONS {
            let path = folder.join(format!("{name}.{extension}"));
            looked.push(path.display().to_string());
            if let Some(profile) = Self::read(path)? {
                return Ok(Some(profile));
            }
        }
        Ok(None)
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
        let mut bytes = Vec::new();
        (&mut file).take(MOST).read_to_end(&mut bytes).map_err(unreadable)?;
        let text = decoded(bytes).ok_or_else(|| malformed(&path, "is neither UTF-8 nor UTF-16"))?;
        let is_ini = path.extension().is_some_and(|extension| extension == "ini");
        let sections = if is_ini { ini_sections(&text) } else { serde_json::from_str(&text).ok() };
        let sections = sections
            .ok_or_else(|| malformed(&path, if is_ini { "is no INI file" } else { "is no JSON object" }))?;
        Ok(Some(Profile { path, sections, open_to_others: mode & 0o077 != 0 }))
    }

    pub(super) fn into_found(self) -> Result<Found> {
        let section = |name: &str| match self.sections.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(section)) => Ok(Some(section.clone())),
            Some(_) => Err(malformed(&self.path, &format!("has a {name} that is no object"))),
        };
        let oauth2 = section("OAuth2")?.unwrap_or_default();
        let text = |name: &str| {
            oauth2.get(name).and_then(Value::as_str).map(trimmed).filter(|text| !text.is_empty())
        };
        let token = section("Token")?.map(|token| {
            let json = Value::Object(token).to_string();
            Token::from_json(&json).ok_or_else(|| malformed(&self.path, "has a Token without access_token"))
        });
        let app = match (text("client_id"), text("client_secret")) {
            (Some(id), Some(secret)) => Some(App { id: id.to_owned(), secret: Secret::new(secret) }),
            _ => None,
        };
        let given = match (token.transpose()?, app) {
            (Some(token), _) if token.refresh.is_some() => Given::Stored(token),
            (token, Some(app)) => Given::App(app, token),
            (Some(token), None) => Given::Token(token),
            (None, None) => return Err(malformed(&self.path, "has neither a Token nor an OAuth2 client")),
        };
        let endpoint = text("endpoint").map(str::to_owned);
        let warning = self
            .open_to_others
            .then(|| format!("warning: {} can be read by others: chmod 600 closes it", self.path.display()));
        Ok(Found { given, endpoint, warning, source: self.path.display().to_string() })
    }
}

fn malformed(path: &Path, what: &str) -> Error {
    Error::argument(&format!("the profile {}", path.display()), what)
        .with_hint("run `bge login`, or remove the file")
}

/// The name of the active profile; `None` where none was made active. One that cannot be read is an error: another
/// profile would be another account.
pub(super) fn active(folder: &Path) -> Result<Option<String>> {
    let path = folder.join(ACTIVE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(cause) => return Err(Error::io(format!("{} cannot be read", path.display()), &cause)),
    };
    let text = decoded(bytes)
        .ok_or_else(|| Error::argument(&path.display().to_string(), "is neither UTF-8 nor UTF-16"))?;
    Ok(Some(trimmed(&text).to_owned()).filter(|name| !name.is_empty()))
}

/// A text as editors store it: UTF-8 with or without a byte order mark, or UTF-16 with one.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let units = |read: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect()
    };
    let text = match bytes.get(..2) {
        Some([0xff, 0xfe]) => String::from_utf16(&units(u16::from_le_bytes)).ok()?,
        Some([0xfe, 0xff]) => String::from_utf16(&units(u16::from_be_bytes)).ok()?,
        _ => String::from_utf8(bytes).ok()?,
    };
    Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The sections of an older profile, as the newer ones have them.
fn ini_sections(text: &str) -> Option<Map<String, Value>> {
    let sections = ini::sections(text)?.into_iter().map(|(name, values)| {
        let values = values.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        (name, Value::Object(values))
    });
    Some(sections.collect())
}
