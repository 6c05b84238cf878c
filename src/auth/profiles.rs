//! The profiles in `~/.bge`, listed, written and removed. The official `bge` command reads what is written here, and the
//! reverse.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value, ser::PrettyFormatter};

use super::profile::{self, Profile};
use crate::{
    disk::{private, replace},
    error::{Error, Result},
};

/// The stored profiles of a user.
#[derive(Clone, Debug)]
pub struct Profiles {
    folder: PathBuf,
}

/// What a profile holds: texts in sections (`OAuth2`: `client_id`, `client_secret`, `endpoint`; `Token`: `access_token`,
/// `token_type`, `expires_in`, `scope`, `refresh_token`), and whatever others put there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoredProfile {
    sections: Map<String, Value>,
}

impl Profiles {
    /// Those of this user, in `~/.bge`.
    pub fn of_user() -> Result<Self> {
        match profile::folder() {
            Some(folder) => Ok(Profiles { folder }),
            None => Err(Error::argument("HOME", "is not set: it says where profiles are stored")),
        }
    }

    /// A name as it is stored: in lower case, as the official command has it.
    pub fn name(&self, name: &str) -> Result<String> {
        let name = name.trim().to_lowercase();
        profile::check_name(&name)?;
        Ok(name)
    }

    /// All names, in order.
    pub fn names(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(self.unreadable(&cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|cause| self.unreadable(&cause))?.path();
            let is_profile =
                path.extension().is_some_and(|ending| profile::EXTENSIONS.iter().any(|it| ending == *it));
            if let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_profile)
                && profile::check_name(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The active one's name, whether there is such a profile or not.
    pub fn active(&self) -> Result<String> {
        Ok(profile::active(&self.folder)?.unwrap_or_else(|| profile::DEFAULT.to_owned()))
    }

    /// Whether somebody chose the active one.
    pub fn has_active(&self) -> Result<bool> {
        Ok(profile::active(&self.folder)?.is_some())
    }

    /// Makes a profile the active one.
    pub fn activate(&self, name: &str) -> Result<()> {
        profile::check_name(name)?;
        // The official command takes the whole text for the name, a line's end included.
        self.put(&self.folder.join(profile::ACTIVE), name.as_bytes())
    }

    /// Where a profile is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// What a profile holds; `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<StoredProfile>> {
        let found = Profile::named(&self.folder, name, &mut Vec::new())?;
        Ok(found.map(|found| StoredProfile { sections: found.sections }))
    }

    /// Stores a profile: whole or not at all, readable by its owner only. An older one, stored as INI, gives way and is
    /// kept as `.ini.bak`.
    pub fn write(&self, name: &str, stored: &StoredProfile) -> Result<PathBuf> {
        profile::check_name(name)?;
        let path = self.path(name);
        let mut text = Vec::new();
        let mut serializer =
            serde_json::Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
        stored
            .sections
            .serialize(&mut serializer)
            .map_err(|cause| Error::argument("profile", "cannot be written as JSON").with_cause(cause))?;
        text.push(b'\n');
        self.put(&path, &text)?;
        let older = self.folder.join(format!("{name}.ini"));
        if older.is_file() {
            let kept = self.folder.join(format!("{name}.ini.bak"));
            fs::rename(&older, kept).map_err(|cause| unwritten(&older, &cause))?;
        }
        Ok(path)
    }

    /// Removes a profile; whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool> {
        profile::check_name(name)?;
        let mut was_there = false;
        for ending in profile::EXTENSIONS {
            let path = self.folder.join(format!("{name}.{ending}"));
            match fs::remove_file(&path) {
                Ok(()) => was_there = true,
                Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                Err(cause) => return Err(Error::io(format!("{} cannot be removed", path.display()), &cause)),
            }
        }
        Ok(was_there)
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        private::folder(&self.folder).map_err(|cause| unwritten(&self.folder, &cause))?;
        replace::write_private(path, bytes).map_err(|cause| unwritten(path, &cause))
    }

    fn unreadable(&self, cause: &std::io::Error) -> Error {
        Error::io(format!("{} cannot be read", self.folder.display()), cause)
    }
}

fn unwritten(path: &Path, cause: &std::io::Error) -> Error {
    Error::io(format!("{} cannot be written", path.display()), cause)
}

impl StoredProfile {
    /// A value; an empty one is none.
    pub fn text(&self, section: &str, name: &str) -> Option<String> {
        match self.sections.get(section)?.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Sets a value.
    pub fn set(&mut self, section: &str, name: &str, value: &str) {
        let section = self.sections.entry(section).or_insert_with(|| Map::new().into());
        if !section.is_object() {
            *section = Map::new().into();
        }
        section[name] = value.into();
    }

    /// Takes a whole section away; whether it was there.
    pub fn clear(&mut self, section: &str) -> bool {
        self.sections.remove(section).is_some_and(|section| !section.is_null())
    }

    /// The names of a section's values, in order.
    pub fn names(&self, section: &str) -> Vec<&str> {
        let section = self.sections.get(section).and_then(Value::as_object);
        section.map_or_else(Vec::new, |section| section.keys().map(String::as_str).collect())
    }
}

impl std::fmt::Debug for StoredProfile {
    /// The names only: most values are secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.sections.keys().map(|name| (name, self.names(name)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::disk::scratch::Scratch;

    #[test]
    fn profiles_are_private_whole_and_keep_what_others_put_there() {
        let scratch = Scratch::new();
        let profiles = Profiles { folder: scratch.path("home/.bge") };
        assert_eq!(profiles.names().expect("no folder"), Vec::<String>::new());
        assert_eq!(profiles.active().expect("none"), "default");
        let mut stored = StoredProfile::default();
        stored.set("OAuth2", "client_id", "app");
        stored.set("Token", "access_token", "令牌");
        let path = profiles.write("work", &stored).expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&profiles.folder)), (0o600, 0o700));
        let text = fs::read_to_string(&path).expect("a text");
        assert_eq!(
            text,
            "{\n    \"OAuth2\": {\n        \"client_id\": \"app\"\n    },\n    \"Token\": {\n        \"access_token\": \"令牌\"\n    }\n}\n"
        );
        // As the official command writes it: for all to read, with more in it.
        fs::write(&path, text.replace("\"Token\"", "\"Model\": {\"cpu\": 0.05}, \"Token\""))
            .expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        let mut stored = profiles.read("work").expect("read").expect("there");
        assert!(stored.clear("Token") && !stored.clear("Token"));
        profiles.write("work", &stored).expect("written");
        assert_eq!(mode(&path), 0o600);
        let stored = profiles.read("work").expect("read").expect("there");
        assert_eq!(
            (stored.text("Model", "cpu").as_deref(), stored.text("Token", "access_token")),
            (Some("0.05"), None)
        );
        profiles.activate("work").expect("activated");
        assert_eq!(fs::read(profiles.folder.join("activate_project")).expect("a text"), b"work");
        assert_eq!(profiles.names().expect("names"), ["work"]);
        assert!(profiles.remove("work").expect("removed") && !profiles.remove("work").expect("gone"));
        for wrong in ["", ".x", "a/b", "a\\b", "a\nb"] {
            assert!(profiles.write(wrong, &stored).is_err() && profiles.read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_older_profile_is_read_and_gives_way() {
        let scratch = Scratch::new();
        let profiles = Profiles { folder: scratch.path("") };
        fs::write(scratch.path("old.ini"), "[OAuth2]\nclient_id = app\nclient_secret = 100%%\n")
            .expect("written");
        let mut stored = profiles.read("old").expect("read").expect("there");
        assert_eq!(stored.text("OAuth2", "client_secret").as_deref(), Some("100%"));
        stored.set("Token", "access_token", "a");
        profiles.write("old", &stored).expect("written");
        assert!(!scratch.path("old.ini").exists() && scratch.path("old.ini.bak").exists());
        assert_eq!(profiles.names().expect("names"), ["old"]);
        assert_eq!(
            format!("{stored:?}"),
            r#"{"OAuth2": ["client_id", "client_secret"], "Token": ["access_token"]}"#
        );
    }
}
