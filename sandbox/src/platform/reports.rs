//! Reports on a genome: the collection, the reports of a domain, one of them, dictionaries, cards.

use rand::RngExt;
use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::world::data::seed::{digits, generator, significant};
use crate::world::samples::Sample;

/// Each domain with its version and what it reports on.
const DOMAINS: [(&str, &str, &[&str]); 5] = [
    (
        "traits",
        "traits_v1",
        &[
            "酒精代谢能力",
            "咖啡因代谢能力",
            "乳糖耐受",
            "耳垢类型",
            "苦味感知",
            "肌肉爆发力",
            "晒斑风险",
            "头发粗细",
        ],
    ),
    ("pgx", "pgx_v2", &["氯吡格雷", "华法林", "辛伐他汀", "奥美拉唑", "硫唑嘌呤", "他克莫司"]),
    (
        "common_disease_risk",
        "common_disease_risk_v2",
        &["2 型糖尿病", "冠心病", "阿尔茨海默病", "痛风", "骨质疏松", "结直肠癌"],
    ),
    (
        "genetic_disease_mendelian",
        "genetic_disease_mendelian_v1",
        &["苯丙酮尿症", "地中海贫血", "遗传性耳聋", "肝豆状核变性"],
    ),
    (
        "genetic_disease_risk",
        "genetic_disease_risk_v1",
        &["遗传性乳腺癌", "家族性高胆固醇血症", "肥厚型心肌病"],
    ),
];

const VERSIONS: [&str; 8] = [
    "traits_v1",
    "genetic_disease_mendelian_v1",
    "pgx_v1",
    "pgx_v2",
    "common_disease_risk_v1",
    "common_disease_risk_v2",
    "genetic_disease_risk_v1",
    "vitamin_d_v1",
];

pub fn collection(call: &Call) -> Result<Data, Refusal> {
    let sample = call.sample()?;
    let mut rng = generator(call.world.seed, &["report collection", &sample.biosample_id]);
    Ok(Data::Json(json!({
        "report_collection_id": format!("RC-{}", digits(&mut rng, 12)),
        "report_collection_type": "wgs",
        "biosample_id": sample.biosample_id,
        "create_timestamp": sample.updated.unix_timestamp(),
        "domains": DOMAINS.map(|(domain, ..)| domain),
    })))
}

fn report_id(seed: u64, sample: &Sample, version: &str, title: &str) -> String {
    format!("R-{}", digits(&mut generator(seed, &["report", &sample.biosample_id, version, title]), 14))
}

fn summary(seed: u64, sample: &Sample, version: &str, title: &str) -> Value {
    let mut rng = generator(seed, &["report summary", &sample.biosample_id, version, title]);
    let levels = ["偏低", "一般", "偏高"];
    let level: usize = rng.random_range(0..levels.len());
    json!({
        "report_id": report_id(seed, sample, version, title),
        "domain_version": version,
        "title": title,
        "result": levels[level],
        "score": significant(rng.random_range(0.0..100.0), 4),
    })
}

pub fn details(call: &Call) -> Result<Data, Refusal> {
    call.need("biosample_id")?;
    let domain = call.need_choice("domain", &DOMAINS.map(|(domain, ..)| domain))?;
    let sample = call.sample()?;
    let list: Vec<_> = DOMAINS
        .iter()
        .filter(|(name, ..)| *name == domain)
        .flat_map(|(_, version, titles)| {
            titles.iter().map(|title| summary(call.world.seed, &sample, version, title))
        })
        .collect();
    Ok(Data::Json(json!({"total": list.len(), "list": list})))
}

pub fn detail(call: &Call) -> Result<Data, Refusal> {
    call.need("biosample_id")?;
    let version = call.need_choice("domain_version", &VERSIONS)?;
    let wanted = call.need("report_id")?;
    let sample = call.sample()?;
    let seed = call.world.seed;
    let found = DOMAINS
        .iter()
        .filter(|(_, known, _)| *known == version)
        .flat_map(|(.., titles)| titles.iter())
        .find(|title| report_id(seed, &sample, version, title) == wanted);
    let title = found.ok_or_else(|| Refusal::argument("report_id", "报告不存在"))?;
    let mut report = summary(seed, &sample, version, title);
    report["biosample_id"] = json!(sample.biosample_id);
    report["description"] = json!(format!("{title}：根据基因型综合评估的结果，仅供参考，不作为诊断依据。"));
    report["evidence"] = json!([
        {"rsid": "rs671", "gene": "ALDH2", "genotype": "G/G", "pmid": 19_698_717},
        {"rsid": "rs1229984", "gene": "ADH1B", "genotype": "T/C", "pmid": 21_270_382},
    ]);
    Ok(Data::Json(report))
}

pub fn dictionaries(call: &Call) -> Result<Data, Refusal> {
    call.sample()?;
    let entries = DOMAINS.iter().flat_map(|(domain, version, titles)| {
        titles.iter().enumerate().map(move |(number, title)| {
            json!({"domain": domain, "domain_version": version, "code": format!("{domain}-{:03}", number + 1), "name": title})
        })
    });
    Ok(Data::Json(entries.collect()))
}

pub fn merit_cards(call: &Call) -> Result<Data, Refusal> {
    let sample = call.sample()?;
    let mut rng = generator(call.world.seed, &["cards", &sample.biosample_id]);
    let cards = ["酒量担当", "咖啡达人", "短跑健将", "味觉猎人"].into_iter().map(|name| {
        json!({
            "card_id": digits(&mut rng, 10),
            "name": name,
            "description": format!("{name}：您的基因型在人群中少见"),
            "rank_percent": significant(rng.random_range(0.5..40.0), 3),
        })
    });
    Ok(Data::Json(cards.collect()))
}
