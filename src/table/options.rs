//! What a table is asked for: the samples, and the switches under `"$"`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use super::schema::{SAMPLE, Shape};
use crate::{
    calls::walk::LARGE,
    error::{Error, Result},
    options,
    pace::Pace,
    platform::{
        args::{Args, cased, prepare, string},
        endpoint::{self, Endpoint},
        switches::{CALL_SWITCHES, TABLE_SWITCHES as OWN},
    },
};

/// The argument that asks for every sample.
const ALL: &str = "biosample_ids";
/// Nobody waits longer for a platform.
const LONGEST_OUTAGE: f64 = 30.0 * 86_400.0;

/// What a table is asked for.
pub(super) struct TableOptions {
    pub endpoint: &'static Endpoint,
    /// The arguments of every sample, without the sample.
    pub args: Args,
    pub samples: Samples,
    /// Samples at a time.
    pub concurrency: usize,
    /// Pages of each of them that may wait for the reader; together they share what the others leave.
    pub prefetch: usize,
    /// A failing sample is reported, and the others go on.
    pub skip: bool,
    pub strict: bool,
    pub pace: Option<Arc<Pace>>,
    pub checkpoint_dir: Option<PathBuf>,
    /// Only these columns.
    pub columns: Option<Vec<String>>,
    /// A sample's rows are given when all of them are there.
    pub whole: bool,
    /// How long a platform that cannot be reached, or has no room for us, is waited for.
    pub retry_for: Duration,
}

/// Whose rows the table has.
pub(super) enum Samples {
    /// Rows that belong to no sample, or to the caller's own.
    Unnamed,
    /// These, in this order.
    Named(Vec<String>),
    /// All that `get_samples` lists with these arguments.
    Listed(Args),
}

impl TableOptions {
    pub(super) fn read(name: &str, args_json: &str) -> Result<Self> {
        let endpoint = list(name)?;
        let mut args = Args::parse(args_json)?;
        let samples = samples(endpoint, &mut args)?;
        if args.get("next_page").is_some() && !matches!(samples, Samples::Unnamed) {
            let one = matches!(&samples, Samples::Named(ids) if ids.len() == 1);
            if !one {
                return Err(Error::argument("next_page", "takes up the walk of one sample, not of several"));
            }
        }
        let known: Vec<&str> = CALL_SWITCHES.iter().chain(&OWN).copied().collect();
        args.switches(&known)?;
        let whole = |name: &str, most: u64, otherwise: usize| match args.switch(name) {
            Some(value) => {
                options::whole(&format!("$.{name}"), value, 1..=most).map(|number| number as usize)
            }
            None => Ok(otherwise),
        };
        let settings = TableOptions {
            endpoint,
            samples,
            concurrency: whole("concurrency", 256, 8)?,
            prefetch: whole("prefetch", 1024, usual_prefetch(endpoint, &args))?,
            skip: match args.switch("on_error").map(|value| value.as_str()) {
                None | Some(Some("fail")) => false,
                Some(Some("skip")) => true,
                Some(_) => return Err(Error::argument("$.on_error", "must be \"fail\" or \"skip\"")),
            },
            strict: truth(&args, "strict")?,
            whole: truth(&args, "whole")?,
            columns: args.switch("columns").map(|value| columns(endpoint, value)).transpose()?,
            retry_for: match args.switch("retry_for").map(|value| value.as_f64()) {
                None => Duration::ZERO,
                Some(Some(seconds)) if (0.0..=LONGEST_OUTAGE).contains(&seconds) => {
                    Duration::from_secs_f64(seconds)
                }
                Some(_) => return Err(Error::argument("$.retry_for", "must be seconds, 0 or more")),
            },
            pace: match args.switch("rate_limit").map(|value| value.as_f64().filter(|rate| *rate > 0.0)) {
                None => None,
                Some(Some(rate)) => Some(Arc::new(Pace::new(rate))),
                Some(None) => {
                    return Err(Error::argument(
                        "$.rate_limit",
                        "must be a number of requests per second above 0",
                    ));
                }
            },
            checkpoint_dir: match args.switch("checkpoint_dir").map(|value| value.as_str()) {
                None => None,
                // Where the process goes later does not matter.
                Some(Some(path)) if !path.is_empty() && !path.contains('\0') => {
                    Some(std::path::absolute(path).unwrap_or_else(|_| path.into()))
                }
                Some(_) => return Err(Error::argument("$.checkpoint_dir", "must be the path of a folder")),
            },
            args: Args::default(),
        };
        for own in OWN {
            args.drop_switch(own);
        }
        Ok(TableOptions { args, ..settings }).and_then(TableOptions::checked)
    }

    /// Tries the arguments out: what is wrong with them is said before anything is sent.
    fn checked(self) -> Result<Self> {
        match &self.samples {
            Samples::Unnamed => drop(prepare(self.endpoint, &self.args)?),
            Samples::Named(ids) => {
                drop(prepare(self.endpoint, &self.of_sample(ids.first().map(String::as_str))?)?)
            }
            Samples::Listed(filters) => {
                drop(prepare(self.endpoint, &self.of_sample(Some(""))?)?);
                drop(prepare(listing()?, filters)?);
            }
        }
        Ok(self)
    }

    /// The arguments for one sample.
    pub(super) fn of_sample(&self, biosample_id: Option<&str>) -> Result<Args> {
        let mut args = self.args.clone();
        if !matches!(self.samples, Samples::Unnamed) {
            args.set(SAMPLE, raw(biosample_id.unwrap_or_default())?);
        }
        Ok(args)
    }
}

fn truth(args: &Args, name: &str) -> Result<bool> {
    match args.switch(name).map(Value::as_bool) {
        None => Ok(false),
        Some(Some(truth)) => Ok(truth),
        Some(None) => Err(Error::argument(&format!("$.{name}"), "must be true or false")),
    }
}

fn columns(endpoint: &'static Endpoint, value: &Value) -> Result<Vec<String>> {
    let wrong = || Error::argument("$.columns", "must be an array of names of columns, each once");
    let known = Shape::names(endpoint);
    let mut columns: Vec<String> = Vec::new();
    for name in value.as_array().filter(|names| !names.is_empty()).ok_or_else(wrong)? {
        let name = name.as_str().ok_or_else(wrong)?;
        if !known.contains(&name) {
            return Err(options::unknown("column", name, &known));
        }
        if columns.iter().any(|other| other == name) {
            return Err(wrong());
        }
        columns.push(name.to_owned());
    }
    Ok(columns)
}

/// So many pages as make some 8,000 rows: small pages must be many for the network to be busy.
fn usual_prefetch(endpoint: &Endpoint, args: &Args) -> usize {
    let usual = if endpoint.arg("limit").is_some() { LARGE as usize } else { 500 };
    let rows = args.get("limit").and_then(|rows| rows.parse().ok()).unwrap_or(usual);
    (8_192 / rows.max(1)).clamp(4, 256)
}

/// The list call of this name: one that has columns.
pub(super) fn list(name: &str) -> Result<&'static Endpoint> {
    let is_list = |endpoint: &&Endpoint| !endpoint.columns.is_empty();
    endpoint::find(name).filter(is_list).ok_or_else(|| {
        let known: Vec<&str> = endpoint::all().filter(is_list).map(|endpoint| endpoint.name).collect();
        options::unknown("list", name, &known)
    })
}

/// The call that lists samples.
pub(super) fn listing() -> Result<&'static Endpoint> {
    endpoint::find("get_samples").ok_or_else(|| Error::argument(ALL, "cannot be listed"))
}

fn raw(text: &str) -> Result<Box<RawValue>> {
    to_raw_value(text).map_err(|_| Error::argument(SAMPLE, "must be text"))
}

fn samples(endpoint: &Endpoint, args: &mut Args) -> Result<Samples> {
    let Some(arg) = endpoint.arg(SAMPLE) else { return Ok(Samples::Unnamed) };
    let one = args.take(SAMPLE);
    if let Some(all) = args.take(ALL) {
        if one.is_some() {
            return Err(Error::argument(ALL, "cannot be given together with biosample_id"));
        }
        if all.get() != "\"all\"" {
            return Err(Error::argument(ALL, "must be \"all\": a list of ids goes into biosample_id"));
        }
        return Ok(Samples::Listed(filters(endpoint, args)?));
    }
    let Some(one) = one else {
        // Where it is required, the missing argument is named when the others are looked at.
        return Ok(Samples::Unnamed);
    };
    let ids = if one.get().starts_with('[') {
        serde_json::from_str::<Vec<String>>(one.get())
            .map_err(|_| Error::argument(SAMPLE, "must be a string, or an array of strings"))?
    } else if one.get().starts_with('"') {
        vec![string(SAMPLE, one.get())?]
    } else {
        return Err(Error::argument(SAMPLE, "must be a string, or an array of strings"));
    };
    let ids: Vec<String> = ids.into_iter().map(|id| cased(arg, id)).collect();
    match ids.iter().position(String::is_empty) {
        Some(place) => Err(Error::argument(
            SAMPLE,
            format!("must name a sample each time: number {} is empty", place + 1),
        )),
        None => Ok(Samples::Named(ids)),
    }
}

/// Takes the arguments out that choose samples: they are `get_samples`'s.
fn filters(endpoint: &Endpoint, args: &mut Args) -> Result<Args> {
    let mut filters = Args::default();
    for arg in listing()?.args.iter().filter(|arg| arg.name != ALL && endpoint.arg(arg.name).is_none()) {
        if let Some(value) = args.take(arg.name) {
            filters.set(arg.name, value);
        }
    }
    Ok(filters)
}
