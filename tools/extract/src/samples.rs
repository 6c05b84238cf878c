//! Which samples: read from a file, or listed by the platform; then those of one part.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
};

use arrow_array::{StringArray, cast::downcast_array};
use bge::{Client, endpoint};
use serde_json::{Map, Value};

use crate::{failure::Failure, shard::Shard};

/// The ids that `--samples` names, in their order, none twice.
pub fn read(
    client: &Client,
    from: &str,
    args: &mut Map<String, Value>,
    call: &str,
) -> Result<Vec<String>, Failure> {
    let ids = match from {
        "all" => listed(client, filters(args, call))?,
        "-" => {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .map_err(|cause| Failure::input(format!("standard input cannot be read: {cause}")))?;
            ids("standard input", &text)?
        }
        path => {
            let text = fs::read_to_string(path)
                .map_err(|cause| Failure::input(format!("{path} cannot be read: {cause}")))?;
            ids(path, &text)?
        }
    };
    let mut seen = HashSet::new();
    let (before, mut ids) = (ids.len(), ids);
    ids.retain(|id| seen.insert(id.clone()));
    if ids.len() < before {
        eprintln!("bge-extract: {} ids stand there more than once and are taken once", before - ids.len());
    }
    Ok(ids)
}

/// Those of one part.
pub fn of_shard(ids: Vec<String>, shard: Shard) -> Vec<String> {
    ids.into_iter().filter(|id| shard.has(id)).collect()
}

/// One id a line; `#` begins a comment.
fn ids(name: &str, text: &str) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let id = line.split('#').next().unwrap_or_default().trim();
        if id.is_empty() {
            continue;
        }
        if id.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',') {
            return Err(Failure::input(format!("{name}, line {}: not one biosample id", number + 1)));
        }
        ids.push(id.to_uppercase());
    }
    Ok(ids)
}

/// Takes the arguments out that choose samples, and are not the call's own.
fn filters(args: &mut Map<String, Value>, call: &str) -> Map<String, Value> {
    let (samples, call) = (endpoint::find("get_samples"), endpoint::find(call));
    let names = samples.into_iter().flat_map(|samples| samples.args).map(|arg| arg.name);
    names
        .filter(|name| call.is_none_or(|call| call.arg(name).is_none()))
        .filter_map(|name| args.remove(name).map(|value| (name.to_owned(), value)))
        .collect()
}

fn listed(client: &Client, mut filters: Map<String, Value>) -> Result<Vec<String>, Failure> {
    filters.insert("limit".to_owned(), 500.into());
    let table = client.table("get_samples", &Value::Object(filters).to_string())?;
    let mut batches = table.stream()?;
    let mut ids = Vec::new();
    while let Some(batch) = batches.next_batch()? {
        let column: Option<StringArray> =
            batch.column_by_name("biosample_id").map(|column| downcast_array(column));
        ids.extend(column.iter().flat_map(|column| column.iter().flatten()).map(str::to_owned));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_ids() {
        let read = |text: &str| ids("f", text).map_err(|failure| failure.to_string());
        assert_eq!(
            read("\u{feff}# cohort\r\nE-F1\r\n\n e-f2 # failed before\nE-F1"),
            Ok(vec!["E-F1".into(), "E-F2".into(), "E-F1".into()])
        );
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("E-F1\nE-F1,E-F2"), Err("f, line 2: not one biosample id".into()));
        assert!(read("E-F1\tblood").is_err());
    }

    #[test]
    fn filters_are_what_the_call_does_not_take_itself() {
        let mut args = Map::from_iter([
            ("omics".to_owned(), 2.into()),
            ("limit".to_owned(), 9.into()),
            ("taxon_ids".to_owned(), "BT1".into()),
        ]);
        let filters = filters(&mut args, "get_taxon_abundance");
        assert_eq!(filters, Map::from_iter([("omics".to_owned(), 2.into())]));
        assert_eq!(args.len(), 2);
        assert_eq!((&args["limit"], &args["taxon_ids"]), (&9.into(), &"BT1".into()));
    }
}
