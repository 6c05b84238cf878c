//! Which samples: read from a file, or listed by the platform; then those of one part.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
    sync::Arc,
};

use arrow_array::{StringArray, cast::downcast_array};
use bge::Client;
use serde_json::json;

use crate::{
    extract::{arguments::Members, progress::Bar, shard::Shard},
    failure::Failure,
};

/// The call that lists samples.
pub const LISTING: &str = "get_samples";

/// The ids that `--samples` names, in their order, none twice. `filters` choose among all that the platform lists.
pub fn read(client: &Client, from: &str, filters: Members, retry_for: f64) -> Result<Vec<String>, Failure> {
    let ids = match from {
        "all" => listed(client, filters, retry_for)?,
        from => of_file(from)?,
    };
    let mut seen = HashSet::new();
    let (before, mut ids) = (ids.len(), ids);
    ids.retain(|id| seen.insert(id.clone()));
    if ids.is_empty() {
        return Err(Failure::input(match from {
            "all" => "no sample is listed with these filters".to_owned(),
            from => format!("{from} holds no biosample id"),
        }));
    }
    if ids.len() < before {
        eprintln!("bge: {} ids stand there more than once and are taken once", before - ids.len());
    }
    Ok(ids)
}

/// The ids of a file, or of standard input.
pub fn of_file(from: &str) -> Result<Vec<String>, Failure> {
    let unread = |name: &str, cause: io::Error| Failure::input(format!("{name} cannot be read: {cause}"));
    match from {
        "-" => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(|cause| unread("standard input", cause))?;
            ids("standard input", &text)
        }
        path => ids(path, &fs::read_to_string(path).map_err(|cause| unread(path, cause))?),
    }
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

fn listed(client: &Client, mut filters: Members, retry_for: f64) -> Result<Vec<String>, Failure> {
    filters.set("$", &json!({"retry_for": retry_for, "columns": ["biosample_id"]}))?;
    let table = Arc::new(client.table(LISTING, &filters.json()?)?);
    let _bar = Bar::of_troubles(&table);
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
}
