//! Phenotypes that applications have written.

use serde_json::{Value, json};

use crate::world::data::streams::Record;

/// What has been written: the sample, the data element, the record.
#[derive(Debug, Default)]
pub struct Phenotypes {
    written: Vec<(String, &'static str, Record)>,
}

impl Phenotypes {
    pub fn of(&self, biosample_id: &str, data_element_id: &str) -> Vec<Record> {
        let same =
            self.written.iter().filter(|(id, element, _)| id == biosample_id && *element == data_element_id);
        same.map(|(_, _, record)| record.clone()).collect()
    }

    pub fn write(&mut self, biosample_id: String, data_element_id: &'static str, record: Record) {
        self.written.push((biosample_id, data_element_id, record));
    }

    pub fn to_json(&self) -> Value {
        self.written
            .iter()
            .map(|(biosample_id, element, record)| {
                json!({
                    "biosample_id": biosample_id,
                    "data_element_id": element,
                    "stream_id": record.stream_id,
                    "stream_data": record.data,
                })
            })
            .collect()
    }
}
