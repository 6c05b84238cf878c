//! A list endpoint's declared columns as an Arrow schema, and as the tree in which its rows are read.

use std::{cell::Cell, collections::HashMap, sync::Arc};

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::platform::endpoint::{Column, ColumnType, Endpoint};

/// The column of the sample that a row is about.
pub(super) const SAMPLE: &str = "biosample_id";
/// The column of whatever the others do not hold.
const EXTRA: &str = "extra";

/// The columns of an endpoint's table, in their order: `biosample_id` wherever rows belong to samples, the declared
/// ones, `extra`.
pub(super) struct Shape {
    pub schema: SchemaRef,
    pub columns: Vec<Column>,
    /// The column that is filled with the sample asked for where a row has none.
    pub sample: Option<usize>,
    /// Whether what no column holds is kept.
    pub has_extra: bool,
    pub tree: Members,
}

/// The members of an object that hold columns.
#[derive(Default)]
pub(super) struct Members {
    nodes: Vec<Node>,
    /// Which node the last object had in each place: the platform writes members in the same order every time.
    order: Vec<Cell<usize>>,
}

impl Members {
    /// The node of the object's member `key`, its `place`th.
    pub(super) fn find(&self, place: usize, key: &str) -> Option<&Node> {
        let likely = self.order.get(place);
        if let Some(node) = likely.and_then(|likely| self.nodes.get(likely.get()))
            && node.key == key
        {
            return Some(node);
        }
        let found = self.nodes.iter().position(|node| node.key == key)?;
        if let Some(likely) = likely {
            likely.set(found);
        }
        self.nodes.get(found)
    }

    fn plant(&mut self, path: &'static str, column: Option<usize>) {
        let path = path.trim_start_matches('/');
        let (key, rest) = path.split_once('/').unwrap_or((path, ""));
        if rest.is_empty() {
            self.add(Node { key, holds: column.map_or(Holds::Unwanted, Holds::Column) });
            return;
        }
        if !self.nodes.iter().any(|node| node.key == key) {
            self.add(Node { key, holds: Holds::Members(Members::default()) });
        }
        for node in &mut self.nodes {
            if let Holds::Members(members) = &mut node.holds
                && node.key == key
            {
                members.plant(rest, column);
            }
        }
    }

    /// Takes objects away in which nothing is wanted: they are passed over whole.
    fn prune(&mut self) {
        for node in &mut self.nodes {
            if let Holds::Members(members) = &mut node.holds {
                members.prune();
                if members.nodes.iter().all(|node| matches!(node.holds, Holds::Unwanted)) {
                    node.holds = Holds::Unwanted;
                }
            }
        }
    }

    fn add(&mut self, node: Node) {
        self.nodes.push(node);
        self.order.push(Cell::new(0));
        // Room for a member that no column holds, now and then.
        self.order.resize(self.nodes.len() + 4, Cell::new(0));
    }
}

/// A member of a row.
pub(super) struct Node {
    pub key: &'static str,
    pub holds: Holds,
}

pub(super) enum Holds {
    /// The value of a column.
    Column(usize),
    /// An object with columns inside.
    Members(Members),
    /// A declared value that nobody asked for.
    Unwanted,
}

impl Shape {
    /// All columns of an endpoint's table, or those of these names, in their order. They must be there.
    pub(super) fn of(endpoint: &'static Endpoint, wanted: Option<&[String]>) -> Self {
        let all = columns(endpoint);
        let has_extra = wanted.is_none_or(|names| names.iter().any(|name| name == EXTRA));
        let chosen: Vec<Column> = match wanted {
            None => all.clone(),
            Some(names) => names
                .iter()
                .filter_map(|name| all.iter().find(|column| column.name == name).copied())
                .collect(),
        };
        let mut tree = Members::default();
        for column in &all {
            tree.plant(column.path, chosen.iter().position(|other| other.name == column.name));
        }
        if !has_extra {
            tree.prune();
        }
        let of_samples = endpoint.arg(SAMPLE).is_some();
        let sample = chosen.iter().position(|column| of_samples && column.name == SAMPLE);
        let mut fields: Vec<Field> = chosen.iter().map(|column| field(endpoint, column)).collect();
        if has_extra {
            let about = metadata(endpoint, ColumnType::Json, None);
            fields.push(Field::new(EXTRA, DataType::Utf8, true).with_metadata(about));
        }
        let about = HashMap::from([("bge.endpoint".to_owned(), endpoint.name.to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(fields, about));
        Shape { schema, columns: chosen, sample, has_extra, tree }
    }

    /// The names of all columns.
    pub(super) fn names(endpoint: &'static Endpoint) -> Vec<&'static str> {
        columns(endpoint).iter().map(|column| column.name).chain([EXTRA]).collect()
    }
}

/// The declared columns, and that of the sample where rows belong to samples.
fn columns(endpoint: &'static Endpoint) -> Vec<Column> {
    let mut columns = endpoint.columns.to_vec();
    if endpoint.arg(SAMPLE).is_some() && !columns.iter().any(|column| column.name == SAMPLE) {
        let (path, about) = ("/biosample_id", "id of the sample");
        let sample = Column { name: SAMPLE, kind: ColumnType::Text, path, unit: None, about };
        columns.insert(0, sample);
    }
    columns
}

fn field(endpoint: &Endpoint, column: &Column) -> Field {
    let kind = match column.kind {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Bool => DataType::Boolean,
    };
    let mut about = metadata(endpoint, column.kind, column.unit);
    about.insert("bge.path".to_owned(), column.path.to_owned());
    about.insert("bge.description".to_owned(), column.about.to_owned());
    Field::new(column.name, kind, true).with_metadata(about)
}

fn metadata(endpoint: &Endpoint, kind: ColumnType, unit: Option<&str>) -> HashMap<String, String> {
    let mut about = HashMap::from([
        ("bge.endpoint".to_owned(), endpoint.name.to_owned()),
        ("bge.type".to_owned(), kind.name().to_owned()),
    ]);
    about.extend(unit.map(|unit| ("bge.unit".to_owned(), unit.to_owned())));
    about
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::endpoint;

    #[test]
    fn every_list_has_a_flat_schema_whose_columns_do_not_collide() {
        for endpoint in endpoint::all().filter(|endpoint| !endpoint.columns.is_empty()) {
            let shape = Shape::of(endpoint, None);
            let mut seen = Vec::new();
            leaves(&shape.tree, String::new(), &mut seen);
            seen.sort();
            let wanted: Vec<_> = shape
                .columns
                .iter()
                .enumerate()
                .map(|(index, column)| (index, column.path.to_owned()))
                .collect();
            assert_eq!(seen, wanted, "{}", endpoint.name);
            let mut names: Vec<_> = shape.schema.fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(names.last().map(String::as_str), Some("extra"));
            names.sort();
            names.dedup();
            assert_eq!(names.len(), shape.columns.len() + 1, "{}: a name twice", endpoint.name);
        }
    }

    fn leaves(tree: &Members, path: String, seen: &mut Vec<(usize, String)>) {
        for node in &tree.nodes {
            assert_eq!(
                tree.nodes.iter().filter(|other| other.key == node.key).count(),
                1,
                "{path}/{}",
                node.key
            );
            let path = format!("{path}/{}", node.key);
            match &node.holds {
                Holds::Column(column) => seen.push((*column, path)),
                Holds::Members(members) => leaves(members, path, seen),
                Holds::Unwanted => panic!("{path} is wanted"),
            }
        }
    }

    #[test]
    fn rows_of_samples_begin_with_the_sample() {
        let shape = |name: &str| Shape::of(endpoint::find(name).expect(name), None);
        let first = |name: &str| shape(name).schema.field(0).name().clone();
        for name in ["get_variants", "get_range_stream", "get_taxon_abundance", "get_data_items"] {
            assert_eq!(first(name), "biosample_id", "{name}");
        }
        assert_eq!(shape("model_versions").sample, None);
        assert_eq!(shape("get_samples").sample, None);
        let taxa = shape("get_taxon_abundance").schema;
        let value = taxa.field_with_name("observation_value").expect("a column");
        assert_eq!(value.data_type(), &DataType::Float64);
        assert_eq!(value.metadata()["bge.unit"], "percent");
        assert_eq!(value.metadata()["bge.endpoint"], "get_taxon_abundance");
        assert_eq!(value.metadata()["bge.path"], "/observation/value");
    }
}
