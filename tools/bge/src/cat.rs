//! `bge cat`: an object, or a part of it, to standard output.

use std::str::FromStr;

use clap::Args;
use serde_json::json;

use crate::{connection::Connection, failure::Failure, out};

/// Bytes that are read at once.
const PIECE: usize = 1 << 18;

/// Writes objects to standard output, one after the other
#[derive(Debug, Args)]
pub struct Options {
    /// Names of objects
    #[arg(required = true, value_name = "OBJECT")]
    objects: Vec<String>,

    /// Only these bytes: FROM-TO counted from 0, both included; FROM- to the end; -N the last N
    #[arg(long, value_name = "FROM-TO", allow_hyphen_values = true)]
    range: Option<Range>,

    /// domestic or international
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Leave encrypted objects as they are stored
    #[arg(long)]
    no_decrypt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || told!("must be FROM-TO, FROM- or -N", "须为 起-止、起- 或 -N");
        let (from, to) = text.trim().split_once('-').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        match (from, to) {
            ("", to) => number(to).map(Range::Last),
            (from, "") => number(from).map(Range::From),
            (from, to) => match (number(from)?, number(to)?) {
                (from, to) if from <= to => Ok(Range::Between(from, to)),
                _ => Err(wrong()),
            },
        }
    }
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let client = connection.open()?;
    let mut buffer = vec![0; PIECE];
    for object in &options.objects {
        let open = |offset: Option<u64>, length: Option<u64>| {
            let args = json!({
                "offset": offset,
                "length": length,
                "region": options.region,
                "decrypt": options.no_decrypt.then_some(false),
            });
            client.open_reader(object, &args.to_string())
        };
        let reader = match options.range {
            None => open(None, None)?,
            Some(Range::From(from)) => open(Some(from), None)?,
            Some(Range::Between(from, to)) => open(Some(from), (to - from).checked_add(1))?,
            Some(Range::Last(count)) => {
                let size = open(None, None)?.size()?;
                open(Some(size.saturating_sub(count)), Some(count.min(size)))?
            }
        };
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            out::bytes(buffer.get(..count).unwrap_or_default())?;
        }
    }
    out::flush()
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test ends at what is not as it should be")]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        for (text, range) in [
            ("0-99", Range::Between(0, 99)),
            ("7-7", Range::Between(7, 7)),
            ("100-", Range::From(100)),
            ("-5", Range::Last(5)),
        ] {
            assert_eq!(text.parse::<Range>().expect(text), range);
        }
        for text in ["", "-", "5", "9-3", "a-b", "1-2-3", "--1"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }
}
