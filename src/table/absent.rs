//! Tables in a build without the feature `arrow`: there are none.

use std::convert::Infallible;

use crate::{
    error::{Error, Result, Status},
    platform::session::Session,
};

pub(crate) struct Table(Infallible);

pub(crate) struct Batches(Infallible);

pub(crate) struct PageRows(Infallible);

pub(crate) struct TableProgress {
    pub rows: u64,
    pub samples_done: u64,
    pub samples: u64,
}

impl Table {
    pub(crate) fn open(_: &Session, name: &str, _: &str) -> Result<Self> {
        Err(absent(name))
    }

    pub(crate) fn stream(&self) -> Result<Batches> {
        match self.0 {}
    }

    pub(crate) fn progress(&self) -> TableProgress {
        match self.0 {}
    }

    pub(crate) fn cancel(&self) {
        match self.0 {}
    }

    pub(crate) fn report(&self) -> Result<String> {
        match self.0 {}
    }
}

impl Batches {
    pub(crate) fn export<T>(self) -> T {
        match self.0 {}
    }
}

impl PageRows {
    pub(crate) fn read(name: &str, _: &str) -> Result<Self> {
        Err(absent(name))
    }

    pub(crate) fn export<T>(self) -> T {
        match self.0 {}
    }
}

fn absent(name: &str) -> Error {
    let error = Error::new(Status::Unsupported, "tables are not in this build of libbge").with_call(name);
    error.with_hint("build it with the cargo feature \"arrow\"")
}
