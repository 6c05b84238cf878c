//! `model.json`, as the official command keeps it beside a model's code.

use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::Failure;

pub const FILE: &str = "model.json";
/// What a deployment takes of it, and whether that is a whole number, any number, or a text.
const OF_A_DEPLOYMENT: [(&str, Kind); 5] = [
    ("runtime", Kind::Text),
    ("cpu", Kind::Number),
    ("memory_size", Kind::Integer),
    ("disk_size", Kind::Integer),
    ("timeout", Kind::Integer),
];

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Integer,
}

/// The section `Model`.
#[derive(Debug)]
pub struct Settings(Map<String, Value>);

impl Settings {
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let shown = path.display();
        let text = std::fs::read_to_string(&path).map_err(|cause| {
            Failure::input(told!(
                "{shown} cannot be read ({cause}): it is in a model's folder, or name the model with --model-id",
                "{shown} 无法读取（{cause}）：请在模型项目目录中运行，或用 --model-id 指定模型"
            ))
        })?;
        let all: Option<Map<String, Value>> = serde_json::from_str(&text).ok();
        match all.as_ref().and_then(|all| all.get("Model")).and_then(Value::as_object) {
            Some(section) => Ok(Settings(section.clone())),
            None => Err(Failure::input(told!(
                "{shown} must be a JSON object with the member Model",
                "{shown} 须为包含 Model 的 JSON 对象"
            ))),
        }
    }

    /// Without a file: a model that is named.
    pub fn none() -> Self {
        Settings(Map::new())
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub fn model_id(&self) -> Result<String, Failure> {
        self.text("model_id")
            .ok_or_else(|| Failure::input(told!("{FILE} has no model_id", "{FILE} 中没有 model_id")))
    }

    pub fn mirrors(&self) -> Vec<String> {
        let list = self.text("mirror_models").unwrap_or_default();
        list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
    }

    /// The arguments of a deployment; numbers may be written as texts, as the official command does.
    pub fn deployment(&self) -> Result<Map<String, Value>, Failure> {
        let mut args = Map::new();
        for (name, kind) in OF_A_DEPLOYMENT {
            let Some(text) = self.text(name) else { continue };
            let value = match kind {
                Kind::Text => Some(Value::from(text.clone())),
                Kind::Number => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
                Kind::Integer => text.parse::<i64>().ok().map(Value::from),
            };
            let wrong =
                || Failure::input(told!("{name} of {FILE} must be a number", "{FILE} 中的 {name} 须为数字"));
            args.insert(name.to_owned(), value.ok_or_else(wrong)?);
        }
        Ok(args)
    }
}
