//! Data elements: what can be measured of a person over time.

use serde_json::{Value, json};

pub struct Element {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub unit: &'static str,
    /// A usual value, and how far others are from it.
    pub mean: f64,
    pub spread: f64,
}

/// The collection that holds all of them.
pub const COLLECTION_ID: &str = "8be21998-7c8a-11eb-86eb-48a47299ee4a";

const fn element(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    unit: &'static str,
    mean: f64,
    spread: f64,
) -> Element {
    Element { id, name, description, unit, mean, spread }
}

pub static ELEMENTS: [Element; 12] = [
    element("02393f70-c7e4-11e9-bfed-00163e104c79", "oxycodone", "羟考酮", "ng/mL", 21.4, 9.0),
    element("0241e8b2-c7e4-11e9-bfed-00163e104c79", "heart_rate", "心率", "次/分", 68.0, 8.0),
    element("024a0f5c-c7e4-11e9-bfed-00163e104c79", "body_weight", "体重", "kg", 63.5, 1.6),
    element("0252c6de-c7e4-11e9-bfed-00163e104c79", "blood_glucose", "血糖", "mmol/L", 5.3, 0.7),
    element("025b2a10-c7e4-11e9-bfed-00163e104c79", "sleep_duration", "睡眠时长", "h", 7.1, 1.1),
    element("02639c44-c7e4-11e9-bfed-00163e104c79", "step_count", "步数", "步", 8_400.0, 3_100.0),
    element("026bf9f8-c7e4-11e9-bfed-00163e104c79", "systolic_pressure", "收缩压", "mmHg", 118.0, 9.0),
    element("0274518e-c7e4-11e9-bfed-00163e104c79", "body_temperature", "体温", "℃", 36.6, 0.3),
    element("027cc33a-c7e4-11e9-bfed-00163e104c79", "uric_acid", "尿酸", "μmol/L", 342.0, 51.0),
    element("0285307c-c7e4-11e9-bfed-00163e104c79", "hemoglobin", "血红蛋白", "g/L", 146.0, 9.0),
    element("028d9a2e-c7e4-11e9-bfed-00163e104c79", "total_cholesterol", "总胆固醇", "mmol/L", 4.6, 0.6),
    element("02960b90-c7e4-11e9-bfed-00163e104c79", "vitamin_d", "维生素 D", "ng/mL", 24.0, 7.0),
];

pub fn get(id: &str) -> Option<&'static Element> {
    ELEMENTS.iter().find(|element| element.id == id)
}

pub fn to_json() -> Value {
    ELEMENTS
        .iter()
        .map(|element| json!({"data_element_id": element.id, "data_element_name": element.name}))
        .collect()
}
