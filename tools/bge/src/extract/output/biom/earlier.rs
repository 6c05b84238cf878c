//! A BIOM file as it is read: the samples' ids are held, and of the rest one thing at a time.

use std::{fmt, fs::File, io::BufReader, marker::PhantomData, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use crate::{extract::output::unread, failure::Failure};

/// What a file says of the whole table.
#[derive(Deserialize)]
pub struct About {
    pub columns: Vec<Column>,
    pub unit: Option<String>,
}

#[derive(Deserialize)]
pub struct Column {
    pub id: String,
}

/// A feature, and what is said of it.
#[derive(Deserialize)]
pub struct Row {
    pub id: String,
    pub metadata: Value,
}

pub fn about(path: &Path) -> Result<About, Failure> {
    serde_json::from_reader(open(path)?).map_err(|cause| unread(path, cause))
}

/// Does something with every element of the list that the file has under this name.
pub fn each<T: DeserializeOwned>(
    path: &Path,
    name: &str,
    work: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut each = Each { name, work, failure: None, what: PhantomData };
    let mut file = serde_json::Deserializer::from_reader(open(path)?);
    let read = file.deserialize_map(Members(&mut each)).and_then(|()| file.end());
    match each.failure {
        Some(failure) => Err(failure),
        None => read.map_err(|cause| unread(path, cause)),
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    File::open(path).map(BufReader::new).map_err(|cause| unread(path, cause))
}

struct Each<'a, T, W> {
    name: &'a str,
    work: W,
    /// What ended the work.
    failure: Option<Failure>,
    what: PhantomData<T>,
}

struct Members<'a, 'b, T, W>(&'a mut Each<'b, T, W>);

impl<'de, T: DeserializeOwned, W: FnMut(T) -> Result<(), Failure>> Visitor<'de> for Members<'_, '_, T, W> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a BIOM table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0.name {
                map.next_value_seed(Elements(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Elements<'a, 'b, T, W>(&'a mut Each<'b, T, W>);

impl<'de, T: DeserializeOwned, W: FnMut(T) -> Result<(), Failure>> DeserializeSeed<'de>
    for Elements<'_, '_, T, W>
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, list: D) -> Result<(), D::Error> {
        list.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned, W: FnMut(T) -> Result<(), Failure>> Visitor<'de> for Elements<'_, '_, T, W> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a list of {}", self.0.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            if let Err(failure) = (self.0.work)(element) {
                self.0.failure = Some(failure);
                return Err(A::Error::custom("it was not taken"));
            }
        }
        Ok(())
    }
}
