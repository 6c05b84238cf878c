//! The platform's availability, tokens and users.

use super::{Arg, Endpoint, Grants, Kind, Rule, Type};

const NOUN: &str = "account";

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("alive", NOUN, "/ping", "Whether the platform answers.")
        .kind(Kind::Alive)
        .grants(Grants::None),
    Endpoint::get("introspect", NOUN, "/oauth2/introspect", "What the access token in use is good for."),
    Endpoint::get(
        "get_user",
        NOUN,
        "/profile",
        "The user who granted the token, as far as its scope allows.",
    )
    .grants(Grants::User),
    Endpoint::post("get_overview", NOUN, "/user/overview", "An overview of a person's samples and data.")
        .repeatable(true)
        .args(&[
            Arg::new("idcard", Type::Text, "id-card number").secret(),
            Arg::new("phone", Type::Text, "phone number").secret(),
            Arg::new("biosample_id", Type::Text, "biosample id, sent as given"),
            Arg::new("project_id", Type::Text, "project id; together with external_sample_id"),
            Arg::new("external_sample_id", Type::Text, "the lab's own sample id; together with project_id"),
        ])
        .rules(&[
            Rule::Excludes("phone", &["biosample_id", "project_id", "external_sample_id"]),
            Rule::Excludes("biosample_id", &["project_id", "external_sample_id"]),
            Rule::Together(&["project_id", "external_sample_id"]),
        ]),
];
