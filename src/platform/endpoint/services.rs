//! Services beside the data: messages, links, identity.

use super::{Arg, Endpoint, Grants, Type};

const NOUN: &str = "services";

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("send_sms", NOUN, "/sms/send", "Sends a text message; never repeated on its own.")
        .grants(Grants::Client)
        .args(&[
            Arg::new("template", Type::Text, "message template").required(),
            Arg::new("mobiles", Type::Ids, "phone numbers").required().secret(),
        ])
        .answers_nothing(),
    Endpoint::post(
        "applet_url",
        NOUN,
        "/service/wechat/applet/url",
        "A link that opens a WeChat mini program.",
    )
    .grants(Grants::Client)
    .args(&[
        Arg::new("code", Type::Text, "mini program code").required(),
        Arg::new("path", Type::Text, "page within the mini program"),
        Arg::new("query", Type::Text, "query of the page"),
    ]),
    Endpoint::post(
        "verify_id_meta",
        NOUN,
        "/service/verify/id_meta",
        "Whether an id-card number and a name belong together.",
    )
    .grants(Grants::Client)
    .args(&[
        Arg::new("idcard", Type::Text, "id-card number").required().secret(),
        Arg::new("realname", Type::Text, "name").required().secret(),
        Arg::new("phone", Type::Text, "phone number").secret(),
    ]),
];
