//! Samples: those of the user, those of somebody else, and those registered while the sandbox runs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rand::RngExt;
use serde_json::{Map, Value, json};
use time::{Date, Duration, OffsetDateTime};

use crate::world::data::places::{self, BLOOD, FECES, OMICS, ORGANISMS, SITES};
use crate::world::data::seed::{digits, generator, moment, pick, significant, timestamp};
use crate::world::tokens::Principal;

/// Samples that belong to another user, for those who try.
const FOREIGN: u32 = 5;

#[derive(Debug, Clone)]
pub struct Sample {
    pub biosample_id: String,
    pub external_sample_id: Option<String>,
    pub project_id: String,
    pub site: usize,
    pub omic: usize,
    pub organism: usize,
    pub status: i64,
    pub data_availability: bool,
    pub registered: bool,
    pub updated: OffsetDateTime,
    pub collected: Option<OffsetDateTime>,
    /// Who may see it: a user, a client, or both.
    pub user: Option<&'static str>,
    pub client: Option<String>,
    /// Fields set by `improve_sample`, or at registration.
    pub improved: Map<String, Value>,
    statistics: Option<[f64; 5]>,
    sequenced: Option<(Date, usize)>,
}

impl Sample {
    pub fn belongs_to(&self, caller: &Principal) -> bool {
        match caller.user {
            Some(user) => self.user == Some(user),
            None => self.client.as_deref() == Some(caller.client_id.as_str()),
        }
    }

    pub fn is_metagenome(&self) -> bool {
        self.omic == 2
    }

    pub fn site_name(&self) -> &'static str {
        places::display(&SITES, self.site)
    }

    /// Whether it has been sequenced as a metagenome; others have no abundances.
    pub fn has_profile(&self) -> bool {
        self.is_metagenome() && !self.registered
    }

    /// Whether it has been sequenced as a genome; others have no variants.
    pub fn has_genome(&self) -> bool {
        !self.is_metagenome() && !self.registered
    }

    /// The `sample_info` of every row of abundances, as JSON text.
    pub fn info(&self) -> String {
        json!({
            "biosample_id": self.biosample_id,
            "sample_time": self.collected.map(timestamp),
            "biosample_site": self.site_name(),
        })
        .to_string()
    }

    pub fn to_json(&self) -> Value {
        let genome = !self.is_metagenome();
        let [depth, counting, base_pairs, coverage, contamination] = self.statistics.unwrap_or_default();
        let known = self.statistics.is_some();
        let number = |wanted: bool, value: f64| if wanted && known { json!(value) } else { Value::Null };
        let (dates, reads): (Vec<String>, Vec<&str>) = self
            .sequenced
            .map(|(date, read)| (date.to_string(), ["150+150+10", "100+100+10", "100+10"][read % 3]))
            .into_iter()
            .unzip();
        let platforms: &[&str] = if known && self.is_metagenome() { &["BGISEQ-500"] } else { &[] };
        let mut sample = json!({
            "update_time": timestamp(self.updated),
            "biosample_id": self.biosample_id,
            "sample_collection_time": self.collected.map(timestamp),
            "organism": {"code": self.organism, "display": places::display(&ORGANISMS, self.organism)},
            "sequencing": {
                "platform": platforms,
                "sequencing_time": dates,
                "instrument_model": [],
                "read_type": reads,
            },
            "project": [project(&self.project_id)],
            "data_availability": self.data_availability,
            "status": {"code": self.status, "display": places::status(self.status)},
            "primary": !self.registered,
            "biosample_site": {"code": self.site, "display": self.site_name()},
            "omic": {"code": self.omic, "display": places::display(&OMICS, self.omic)},
            "statistics": {
                "human_contamination": number(!genome, contamination),
                "depth": number(genome, depth),
                "variant_counting": if genome && known { json!(counting as i64) } else { Value::Null },
                "base_pairs": number(true, base_pairs),
                "coverage": number(genome, coverage),
            },
        });
        if let Value::Object(members) = &mut sample {
            if let Some(external) = &self.external_sample_id {
                members.insert("external_sample_id".into(), json!(external));
            }
            for (name, value) in &self.improved {
                let member = members.entry(name.clone()).or_insert(Value::Null);
                if member.is_null() {
                    *member = value.clone();
                }
            }
        }
        sample
    }
}

fn project(project_id: &str) -> Value {
    let (name, description) = match project_id.bytes().last().unwrap_or_default() % 4 {
        0 => ("demo", "员工数据"),
        1 => ("gut-cohort", "深圳肠道微生物队列"),
        2 => ("longevity", "广西百岁老人研究"),
        _ => ("newborn", "新生儿基因组计划"),
    };
    json!({"project_name": name, "public_description": description, "project_id": project_id})
}

/// A new sample as `register_sample` describes it.
pub struct Registration {
    pub external_sample_id: String,
    pub site: usize,
    pub project_id: String,
    pub duplicate_enabled: bool,
    pub fields: Map<String, Value>,
}

#[derive(Debug)]
pub struct Samples {
    seed: u64,
    all: Vec<Arc<Sample>>,
    by_id: HashMap<String, usize>,
    pub projects: [String; 3],
    pub genome: String,
    pub metagenome: String,
    pub foreign: String,
}

impl Samples {
    /// `count` samples of `user`, which `client` may see too; every second one is a metagenome.
    pub fn new(seed: u64, count: u32, user: &'static str, client: &str) -> Samples {
        let mut rng = generator(seed, &["samples"]);
        let projects = std::array::from_fn(|_| format!("P-W{}", digits(&mut rng, 11)));
        let mut samples = Samples {
            seed,
            all: Vec::with_capacity((count + FOREIGN) as usize),
            by_id: HashMap::with_capacity((count + FOREIGN) as usize),
            projects,
            genome: String::new(),
            metagenome: String::new(),
            foreign: String::new(),
        };
        for number in 0..count + FOREIGN {
            let metagenome = number % 2 == 1;
            let mine = number < count;
            let id = samples.new_id(&mut rng, if metagenome { 'F' } else { 'B' });
            let collected = moment(&mut rng);
            let sequenced = collected + Duration::days(rng.random_range(14..90));
            let statistics = [
                significant(rng.random_range(28.0..92.0), 5),
                f64::from(rng.random_range(4_600_000..5_400_000)),
                significant(rng.random_range(if metagenome { 6.0..14.0 } else { 90.0..290.0 }), 5),
                significant(rng.random_range(0.985..0.9995), 3),
                significant(rng.random_range(0.0005..0.08), 4),
            ];
            let project = if number < 2 { 0 } else { rng.random_range(0..3) };
            let sample = Sample {
                biosample_id: id,
                external_sample_id: None,
                project_id: samples.projects[project].clone(),
                site: if metagenome { FECES } else { pick(&mut rng, &[BLOOD, BLOOD, BLOOD, 2, 5]) },
                omic: if metagenome { 2 } else { 1 },
                organism: 1,
                status: pick(&mut rng, &[9001, 9001, 9002]),
                data_availability: true,
                registered: false,
                updated: sequenced + Duration::seconds(rng.random_range(86_400..8_640_000)),
                collected: Some(collected),
                user: Some(if mine { user } else { "lisi" }),
                client: mine.then(|| client.to_owned()),
                improved: Map::new(),
                statistics: Some(statistics),
                sequenced: Some((sequenced.date(), rng.random_range(0..3))),
            };
            match (mine, metagenome) {
                (true, false) if samples.genome.is_empty() => samples.genome = sample.biosample_id.clone(),
                (true, true) if samples.metagenome.is_empty() => {
                    samples.metagenome = sample.biosample_id.clone()
                }
                (false, false) if samples.foreign.is_empty() => samples.foreign = sample.biosample_id.clone(),
                _ => {}
            }
            samples.push(sample);
        }
        samples
    }

    fn push(&mut self, sample: Sample) {
        self.by_id.insert(sample.biosample_id.clone(), self.all.len());
        self.all.push(Arc::new(sample));
    }

    fn new_id(&self, rng: &mut impl rand::Rng, kind: char) -> String {
        loop {
            let id = format!("E-{kind}{}", digits(rng, 11));
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    pub fn get(&self, biosample_id: &str) -> Option<&Arc<Sample>> {
        self.by_id.get(biosample_id).and_then(|&at| self.all.get(at))
    }

    /// All that the caller may see, oldest first.
    pub fn of<'a>(&'a self, caller: &'a Principal) -> impl Iterator<Item = &'a Arc<Sample>> {
        self.all.iter().filter(move |sample| sample.belongs_to(caller))
    }

    /// The new sample's id; `None` when the caller has registered the same external id before and may not do so twice.
    pub fn register(&mut self, caller: &Principal, new: Registration) -> Option<String> {
        let twice = self.all.iter().any(|sample| {
            sample.belongs_to(caller)
                && sample.external_sample_id.as_deref() == Some(&new.external_sample_id)
                && sample.project_id == new.project_id
                && sample.site == new.site
        });
        if twice && !new.duplicate_enabled {
            return None;
        }
        let metagenome = new.site == FECES;
        let mut rng = generator(self.seed, &["registered", &self.all.len().to_string()]);
        let id = self.new_id(&mut rng, if metagenome { 'F' } else { 'B' });
        self.push(Sample {
            biosample_id: id.clone(),
            external_sample_id: Some(new.external_sample_id),
            project_id: new.project_id,
            site: new.site,
            omic: if metagenome { 2 } else { 1 },
            organism: 1,
            status: 1001,
            data_availability: false,
            registered: true,
            updated: OffsetDateTime::now_utc(),
            collected: None,
            user: caller.user,
            client: Some(caller.client_id.clone()),
            improved: new.fields,
            statistics: None,
            sequenced: None,
        });
        Some(id)
    }

    /// Sets fields that are not set yet. An error names one that is, and nothing is changed.
    pub fn improve(&mut self, biosample_id: &str, fields: Map<String, Value>) -> Result<(), String> {
        let Some(slot) = self.by_id.get(biosample_id).and_then(|&at| self.all.get_mut(at)) else {
            return Err("biosample_id".into());
        };
        let described = slot.to_json();
        let set: HashSet<&str> = described
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, _)| k.as_str())
            .collect();
        if let Some(name) = fields.keys().find(|name| set.contains(name.as_str())) {
            return Err(name.clone());
        }
        let sample = Arc::make_mut(slot);
        sample.improved.extend(fields);
        sample.updated = OffsetDateTime::now_utc();
        Ok(())
    }

    /// What was registered while the sandbox ran.
    pub fn registered_json(&self) -> Value {
        self.all.iter().filter(|sample| sample.registered).map(|sample| sample.to_json()).collect()
    }
}
