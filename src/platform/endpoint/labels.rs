//! What the platform's codes mean, in Chinese and in English, as far as its documents say: codes that they leave out have
//! no label here.

/// What one value of an argument means.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// The value, as a call takes it.
    pub value: &'static str,
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
}

const fn label(value: &'static str, en: &'static str, zh: &'static str) -> Label {
    Label { value, en, zh }
}

pub(super) static SITES: &[Label] = &[label("11", "blood", "血液")];

pub(super) static OMICS: &[Label] = &[label("1", "genomics", "基因组学")];

pub(super) static ORGANISMS: &[Label] = &[label("1", "human", "人")];

pub(super) static STATUSES: &[Label] = &[label("9001", "interpretation has begun", "开始解读")];

pub(super) static REPORT_DOMAINS: &[Label] = &[
    label("traits", "traits", "个体特征"),
    label("pgx", "pharmacogenomics", "个体用药"),
    label("common_disease_risk", "common diseases, by polygenic prediction", "复杂疾病(多基因预测)"),
    label("genetic_disease_mendelian", "hereditary diseases", "遗传疾病"),
    label("genetic_disease_risk", "risks by single genes", "单基因风险"),
];

pub(super) static REPORT_DOMAIN_VERSIONS: &[Label] = &[
    label("traits_v1", "traits", "个体特征"),
    label("genetic_disease_mendelian_v1", "hereditary diseases", "遗传疾病"),
    label("pgx_v1", "pharmacogenomics", "个体用药"),
    label("pgx_v2", "pharmacogenomics, new version", "新版个体用药"),
    label("common_disease_risk_v1", "common diseases, by polygenic prediction", "复杂疾病(多基因预测)"),
    label(
        "common_disease_risk_v2",
        "common diseases, by polygenic prediction, new version",
        "新版复杂疾病(多基因预测)",
    ),
    label("genetic_disease_risk_v1", "risks by single genes", "单基因风险"),
    label("vitamin_d_v1", "vitamin D", "维生素 D"),
];
