//! Models: their versions, settings and documents.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, macros::datetime};

/// A model that answers with a task, and one whose task fails.
pub const SLOW: &str = "slow-model";
pub const FAILING: &str = "failing-model";
/// So many versions of the first model are there from the start.
const VERSIONS: i64 = 23;

#[derive(Debug, Clone)]
pub struct Version {
    pub number: i64,
    pub message: String,
    pub created: OffsetDateTime,
}

#[derive(Debug, Default)]
pub struct Model {
    pub versions: Vec<Version>,
    /// The version that is called.
    pub current: i64,
    /// The last source deployed; published or not.
    pub deployed: i64,
    pub config: Map<String, Value>,
    pub documents: HashMap<String, (i64, Value)>,
    pub expfs: Option<Value>,
}

impl Model {
    fn with_versions(count: i64) -> Model {
        let versions = (1..=count).map(|number| Version {
            number,
            message: format!("第 {number} 次发布"),
            created: datetime!(2020-06-01 10:00 +8) + Duration::days(number * 9),
        });
        Model { versions: versions.collect(), current: count, deployed: count, ..Model::default() }
    }
}

#[derive(Debug)]
pub struct Models {
    models: HashMap<String, Model>,
}

impl Models {
    pub fn new(model_id: String) -> Models {
        let models = [(model_id, VERSIONS), (SLOW.to_owned(), 1), (FAILING.to_owned(), 1)];
        Models { models: models.into_iter().map(|(id, count)| (id, Model::with_versions(count))).collect() }
    }

    pub fn get(&mut self, model_id: &str) -> Option<&mut Model> {
        self.models.get_mut(model_id)
    }

    pub fn to_json(&self) -> Value {
        let models = self.models.iter().map(|(id, model)| {
            json!({
                "model_id": id,
                "current": model.current,
                "deployed": model.deployed,
                "versions": model.versions.len(),
                "config": model.config,
                "documents": model.documents.iter()
                    .map(|(tab, (version, content))| (tab.clone(), json!({"version": version, "doc_content": content})))
                    .collect::<Map<_, _>>(),
                "expfs": model.expfs,
            })
        });
        models.collect()
    }
}
