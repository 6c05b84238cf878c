//! The account: is the platform alive, whose token is this, who is the user.

use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::world::data::seed::{digits, generator};
use crate::world::tokens::Principal;

pub fn ping(_: &Call) -> Result<Data, Refusal> {
    Ok(Data::Text("pong"))
}

pub fn root(_: &Call) -> Result<Data, Refusal> {
    Ok(Data::Text("BGE 开放平台沙箱 bge-sandbox"))
}

pub fn access_token(call: &Call) -> Result<Data, Refusal> {
    let options = call.world.options();
    let field = |name: &str| call.get(name).map(str::to_owned);
    let issued = call.world.oauth().exchange(field, options.token_lifetime, options.omit_refresh_token);
    issued.map(Data::Json).ok_or_else(Refusal::bad_request)
}

pub fn introspect(call: &Call) -> Result<Data, Refusal> {
    let token = call.need("token")?;
    Ok(Data::Json(call.world.oauth().introspection(token)))
}

pub fn profile(call: &Call) -> Result<Data, Refusal> {
    let user = call.caller()?.user.unwrap_or_default();
    Ok(Data::Json(user_json(call.world.seed, user)))
}

fn user_json(seed: u64, user: &str) -> Value {
    let mut rng = generator(seed, &["user", user]);
    let (nickname, sex, birthday) = match user {
        "lisi" => ("李四", 2, "1991-03-14T08:00:00+0800"),
        _ => ("张三", 1, "1989-10-01T08:00:00+0800"),
    };
    json!({
        "birthday": birthday,
        "sex": sex,
        "personnelInfoCode": digits(&mut rng, 29),
        "avatar": null,
        "nickname": nickname,
        "email": format!("{user}@example.com"),
        "username": user,
        "userId": digits(&mut rng, 21),
        "userAddress": "广东省深圳市盐田区",
        "phone": PHONE,
    })
}

/// The user's telephone number and identity card number, by which client credentials may ask for an overview.
const PHONE: &str = "17376000000";
const IDCARD: &str = "440308198910010017";

pub fn overview(call: &Call) -> Result<Data, Refusal> {
    let caller = call.caller()?;
    let (idcard, phone, biosample_id) = (call.get("idcard"), call.get("phone"), call.get("biosample_id"));
    let (project_id, external_id) = (call.get("project_id"), call.get("external_sample_id"));
    let by_external = project_id.is_some() || external_id.is_some();
    if phone.is_some() && (biosample_id.is_some() || by_external) {
        return Err(Refusal::argument(
            "phone",
            "禁止同时提供 biosample_id、project_id 和 external_sample_id",
        ));
    }
    if biosample_id.is_some() && by_external {
        return Err(Refusal::argument(
            "biosample_id",
            "禁止同时提供 phone、project_id 和 external_sample_id",
        ));
    }
    if project_id.is_some() != external_id.is_some() {
        return Err(Refusal::argument("project_id", "project_id 与 external_sample_id 必须同时提供"));
    }
    if caller.user.is_none() && idcard.or(phone).or(biosample_id).or(project_id).is_none() {
        return Err(Refusal::argument("phone", "客户端模式下必须提供查询条件"));
    }
    if idcard.is_some_and(|idcard| idcard != IDCARD) || phone.is_some_and(|phone| phone != PHONE) {
        return Ok(Data::Json(overview_of(call, caller, |_| false)));
    }
    if let Some(id) = biosample_id {
        let sample = call.own_sample(id)?;
        return Ok(Data::Json(overview_of(call, caller, |other| other == sample.biosample_id)));
    }
    if let (Some(project), Some(external)) = (project_id, external_id) {
        let found = call.world.samples().of(caller).find_map(|sample| {
            let same = sample.project_id == project && sample.external_sample_id.as_deref() == Some(external);
            same.then(|| sample.biosample_id.clone())
        });
        let found = found.ok_or_else(Refusal::not_your_sample)?;
        return Ok(Data::Json(overview_of(call, caller, |other| other == found)));
    }
    Ok(Data::Json(overview_of(call, caller, |_| true)))
}

fn overview_of(call: &Call, caller: &Principal, wanted: impl Fn(&str) -> bool) -> Value {
    let samples = call.world.samples();
    let chosen: Vec<_> = samples.of(caller).filter(|sample| wanted(&sample.biosample_id)).collect();
    let list: Vec<_> = chosen
        .iter()
        .take(50)
        .map(|sample| {
            json!({
                "biosample_id": sample.biosample_id,
                "omic": sample.omic,
                "biosample_site": sample.site,
                "data_availability": sample.data_availability,
            })
        })
        .collect();
    json!({
        "registered": !chosen.is_empty(),
        "sample_count": chosen.len(),
        "genome_count": chosen.iter().filter(|sample| !sample.is_metagenome()).count(),
        "metagenome_count": chosen.iter().filter(|sample| sample.is_metagenome()).count(),
        "samples": list,
    })
}
