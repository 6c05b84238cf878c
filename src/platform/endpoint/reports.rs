//! Reports on a whole genome. The biosample id is sent as given.

use super::{Arg, Endpoint, Grants, Type, labels};

const NOUN: &str = "reports";
const BIOSAMPLE: Arg = Arg::new("biosample_id", Type::Text, "biosample id, sent as given").required();

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get(
        "report_collection",
        NOUN,
        "/wgs/report/collection",
        "The collection of reports on a biosample.",
    )
    .grants(Grants::User)
    .args(&[BIOSAMPLE]),
    Endpoint::get("report_details", NOUN, "/wgs/report/details", "The reports of one domain.")
        .grants(Grants::User)
        .args(&[
            BIOSAMPLE,
            Arg::new("domain", Type::Text, "report domain").required().labels(labels::REPORT_DOMAINS).only(
                &[
                    "traits",
                    "pgx",
                    "common_disease_risk",
                    "genetic_disease_mendelian",
                    "genetic_disease_risk",
                ],
            ),
        ]),
    Endpoint::get("report_detail", NOUN, "/wgs/report/detail", "One report.").grants(Grants::User).args(&[
        BIOSAMPLE,
        Arg::new("domain_version", Type::Text, "report domain and version")
            .required()
            .labels(labels::REPORT_DOMAIN_VERSIONS)
            .only(&[
                "traits_v1",
                "genetic_disease_mendelian_v1",
                "pgx_v1",
                "pgx_v2",
                "common_disease_risk_v1",
                "common_disease_risk_v2",
                "genetic_disease_risk_v1",
                "vitamin_d_v1",
            ]),
        Arg::new("report_id", Type::Text, "report id").required(),
    ]),
    Endpoint::get("dictionaries", NOUN, "/wgs/dictionaries", "The dictionaries that reports refer to.")
        .grants(Grants::User)
        .args(&[BIOSAMPLE]),
    Endpoint::get("merit_cards", NOUN, "/wgs/merit-cards", "The merit cards of a biosample.")
        .grants(Grants::User)
        .args(&[BIOSAMPLE]),
];
