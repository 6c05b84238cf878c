//! The JSON of a page straight into columns: a serde visitor over the page's bytes, no tree of values in between.

use std::fmt;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    columns::{Columns, Extra},
    schema::{Holds, Members, Shape},
};
use crate::{
    error::{Error, Result, Status},
    options,
};

/// A batch is closed when it has so many rows, or comes from so many bytes: the text of a column must stay below 2 GiB.
const MOST_ROWS: usize = 1 << 16;
const MOST_BYTES: usize = 1 << 28;

/// Makes batches of pages.
pub(super) struct Decoder {
    is_paged: bool,
    shape: Shape,
    strict: bool,
    reading: Reading,
    misfits: u64,
}

/// What grows while a page is read.
struct Reading {
    columns: Columns,
    extra: Extra,
    batches: Vec<RecordBatch>,
    rows: u64,
    misfits: u64,
    /// A misfit that ends the reading, or a batch that could not be built.
    failure: Option<Error>,
}

impl Decoder {
    /// `is_paged`: the rows stand in an object, as its `result`; else they are the answer itself.
    pub(super) fn new(shape: Shape, is_paged: bool, strict: bool) -> Self {
        let reading = Reading {
            columns: Columns::new(&shape),
            extra: Extra::default(),
            batches: Vec::new(),
            rows: 0,
            misfits: 0,
            failure: None,
        };
        Decoder { is_paged, shape, strict, reading, misfits: 0 }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.shape.schema.clone()
    }

    /// Values of an unexpected type so far; they are in `extra`.
    pub(super) fn misfits(&self) -> u64 {
        self.misfits
    }

    /// The rows of one page; `sample` is the sample asked for.
    pub(super) fn decode(&mut self, page: &str, sample: Option<&str>) -> Result<Vec<RecordBatch>> {
        // Nearly every page has objects where the columns expect objects, and is read in one go. Where one has not,
        // each object is looked at first, so that what stands in its place is kept as it was written.
        let mut outcome = self.read(page, sample, false);
        if outcome.is_err() && self.reading.failure.is_none() {
            outcome = self.read(page, sample, true);
        }
        if let Some(failure) = self.reading.failure.take() {
            return Err(failure);
        }
        outcome.map_err(|cause| {
            let error = Error::new(Status::Protocol, "the answer has no list of rows");
            error.with_cause(options::place(&cause))
        })?;
        self.misfits += self.reading.misfits;
        if self.reading.columns.rows() > 0 {
            let last = self.reading.columns.finish()?;
            self.reading.batches.push(last);
        }
        Ok(std::mem::take(&mut self.reading.batches))
    }

    fn read(&mut self, page: &str, sample: Option<&str>, careful: bool) -> serde_json::Result<()> {
        let reading = &mut self.reading;
        reading.columns.clear();
        reading.extra.clear();
        reading.batches.clear();
        (reading.rows, reading.misfits, reading.failure) = (0, 0, None);
        let list = List { reading, shape: &self.shape, sample, careful, strict: self.strict };
        let mut page = serde_json::Deserializer::from_str(page);
        match self.is_paged {
            true => page.deserialize_map(Page(Some(list)))?,
            false => list.deserialize(&mut page)?,
        }
        page.end()
    }
}

impl Reading {
    fn misfit(&mut self, strict: bool, what: impl FnOnce() -> String) {
        self.misfits += 1;
        if strict && self.failure.is_none() {
            let text = format!("{} in row {} of a page is of an unexpected type", what(), self.rows + 1);
            self.failure = Some(
                Error::new(Status::Protocol, text)
                    .with_hint("without \"strict\" the value is kept in the column \"extra\""),
            );
        }
    }

    /// A batch's rows are enough.
    fn flush(&mut self) {
        if self.columns.rows() >= MOST_ROWS || self.columns.bytes() >= MOST_BYTES {
            match self.columns.finish() {
                Ok(batch) => self.batches.push(batch),
                Err(error) => self.failure = Some(error),
            }
        }
    }
}

/// The object around a page's list.
struct Page<'a>(Option<List<'a>>);

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of rows, result")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Name(|key: &str| key == "result"))? {
            match self.0.take_if(|_| key) {
                Some(list) => map.next_value_seed(list)?,
                None => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        match self.0 {
            None => Ok(()),
            Some(_) => Err(A::Error::missing_field("result")),
        }
    }
}

/// A member's name, looked at without a copy of it.
struct Name<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> std::result::Result<T, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> T> Visitor<'de> for Name<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> std::result::Result<T, E> {
        Ok((self.0)(name))
    }
}

/// The rows.
struct List<'a> {
    reading: &'a mut Reading,
    shape: &'a Shape,
    sample: Option<&'a str>,
    careful: bool,
    strict: bool,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, list: D) -> std::result::Result<(), D::Error> {
        list.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        let List { reading, shape, sample, careful, strict } = self;
        loop {
            let row = Object { reading, members: &shape.tree, shape, careful, strict };
            let more = match careful {
                false => list.next_element_seed(row)?.is_some(),
                true => match list.next_element::<&RawValue>()? {
                    Some(raw) => {
                        row.look(raw.get()).map_err(A::Error::custom)?;
                        true
                    }
                    None => false,
                },
            };
            if !more {
                return Ok(());
            }
            reading.columns.end_row(sample, reading.extra.close());
            reading.extra.clear();
            reading.rows += 1;
            reading.flush();
            if reading.failure.is_some() {
                return Err(A::Error::custom("the reading ends here"));
            }
        }
    }
}

/// A row, or an object in it.
struct Object<'a> {
    reading: &'a mut Reading,
    members: &'a Members,
    shape: &'a Shape,
    careful: bool,
    strict: bool,
}

impl Object<'_> {
    /// Reads a row that may be something else than an object.
    fn look(self, raw: &str) -> serde_json::Result<()> {
        if raw.starts_with('{') {
            return serde_json::Deserializer::from_str(raw).deserialize_map(self);
        }
        if raw != "null" {
            self.reading.misfit(self.strict, || "the whole".to_owned());
            self.reading.extra.whole(raw);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, object: D) -> std::result::Result<(), D::Error> {
        object.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// An object that is not there. (A row that is `null` comes out the same way, as it should.)
    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let Object { reading, members, shape, careful, strict } = self;
        let mut place = 0;
        while let Some(found) =
            map.next_key_seed(Name(|key: &str| members.find(place, key).ok_or_else(|| key.to_owned())))?
        {
            place += 1;
            let node = match found {
                Ok(node) => node,
                Err(_) if !shape.has_extra => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Err(key) => {
                    let raw: &RawValue = map.next_value()?;
                    reading.extra.add(&key, raw.get());
                    continue;
                }
            };
            match &node.holds {
                Holds::Unwanted => map.next_value::<IgnoredAny>().map(drop)?,
                Holds::Column(column) => {
                    let raw: &RawValue = map.next_value()?;
                    if !reading.columns.put(*column, raw.get()) {
                        reading.misfit(strict, || shape.columns[*column].name.to_owned());
                        reading.extra.add(node.key, raw.get());
                    }
                }
                Holds::Members(members) => {
                    let inner = |reading| Object { reading, members, shape, careful, strict };
                    if !careful {
                        reading.extra.enter(node.key);
                        map.next_value_seed(inner(reading))?;
                        reading.extra.leave();
                        continue;
                    }
                    let raw: &RawValue = map.next_value()?;
                    let raw = raw.get();
                    if raw.starts_with('{') {
                        reading.extra.enter(node.key);
                        let mut object = serde_json::Deserializer::from_str(raw);
                        object.deserialize_map(inner(reading)).map_err(A::Error::custom)?;
                        reading.extra.leave();
                    } else if raw != "null" {
                        reading.misfit(strict, || node.key.to_owned());
                        reading.extra.add(node.key, raw);
                    }
                }
            }
        }
        Ok(())
    }
}
