//! Which samples: read from a file, or listed by the platform; then those of one part.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use arrow_array::{StringArray, cast::downcast_array};
use arrow_schema::Field;
use bge::Client;
use serde_json::{Map, Value, json};

use crate::{
    extract::{
        arguments::Members,
        progress::Bar,
        shard::Shard,
        value::{Cell, Column},
    },
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

/// The rsIDs of a file, one a line, none twice; `#` begins a comment.
pub fn rsids(path: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|cause| Failure::input(format!("{} cannot be read: {cause}", path.display())))?;
    let mut rsids: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let id = line.split('#').next().unwrap_or_default().trim();
        let digits = id.strip_prefix("rs").unwrap_or_default();
        if !id.is_empty() && (digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(Failure::input(told!(
                "{}, line {}: not one rsID",
                "{} 第 {} 行：不是一个 rsID",
                path.display(),
                number + 1
            )));
        }
        if !id.is_empty() && seen.insert(id) {
            rsids.push(id.to_owned());
        }
    }
    if rsids.is_empty() {
        return Err(Failure::input(told!("{} holds no rsID", "{} 中没有 rsID", path.display())));
    }
    Ok(rsids)
}

/// What the platform tells of samples, by their ids: the list's columns, but for those that hold lists or objects.
pub fn described(
    client: &Client,
    ids: &[String],
    retry_for: f64,
) -> Result<BTreeMap<String, Value>, Failure> {
    let mut described = BTreeMap::new();
    // As many ids as an address takes without being too long for servers on the way.
    for some in ids.chunks(200) {
        let args = json!({"biosample_ids": some.join(","), "$": {"retry_for": retry_for}});
        let table = client.table(LISTING, &args.to_string())?;
        let mut batches = table.stream()?;
        while let Some(batch) = batches.next_batch()? {
            let schema = batch.schema();
            let is_plain = |field: &Field| field.metadata().get("bge.type").is_none_or(|kind| kind != "json");
            let columns = || schema.fields().iter().zip(batch.columns()).filter(|(field, _)| is_plain(field));
            let columns: Vec<(&str, Column)> =
                columns().map(|(field, column)| (field.name().as_str(), Cell::column(column))).collect();
            for row in 0..batch.num_rows() {
                let value = |column: &Column| match column.get(row) {
                    Cell::Null => Value::Null,
                    Cell::Text(text) => text.into(),
                    Cell::Other(text) => serde_json::from_str(&text).unwrap_or_default(),
                };
                let members: Map<String, Value> =
                    columns.iter().map(|(name, column)| ((*name).to_owned(), value(column))).collect();
                if let Some(Value::String(id)) = members.get("biosample_id") {
                    described.insert(id.to_uppercase(), Value::Object(members));
                }
            }
        }
    }
    Ok(described)
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
