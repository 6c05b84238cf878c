//! Whose token it is, what it is good for, and whether there was too much of it.

use serde_json::Value;

use super::{Checkup, report::Report};
use crate::{
    auth::token,
    error::{Result, Status},
    platform::store_access::StoreAccess,
};

/// A token that ends sooner than this, in seconds, is doubtful where nobody renews it.
const SOON: f64 = 300.0;

/// Whether the platform knows the token.
pub(super) async fn look(checkup: &Checkup<'_>, report: &mut Report, is_there: bool) -> Result<bool> {
    let language = report.language;
    let source = match checkup.source {
        Ok(source) => source,
        Err(error) => {
            let hint = language.say(
                "`bge login` signs a person in, `bge token` an application; or set BGE_ACCESS_TOKEN",
                "请运行 bge login（个人登录）或 bge token（应用令牌），或设置 BGE_ACCESS_TOKEN",
            );
            report.failed("credentials", error.message().to_owned(), hint);
            return Ok(false);
        }
    };
    if !is_there {
        return Ok(false);
    }
    let answer = match checkup.session.introspection(&checkup.context).await {
        Ok(answer) => answer,
        Err(error) if error.status() == Status::Cancelled => return Err(error),
        Err(error) => {
            let error = checkup.explained("introspect", error);
            let hint = match error.status() {
                Status::Auth | Status::Api => refused(report),
                _ if error.http_status() == 429 => {
                    let text = language.say("not looked at: too many requests", "未检查：请求过于频繁");
                    report.skipped("credentials", text);
                    return Ok(false);
                }
                _ => language.say(
                    "the platform answers, and not this call: try again later",
                    "平台有应答，但该接口异常：请稍后重试",
                ),
            };
            report.failed("credentials", format!("{source}: {}", error.message()), hint);
            return Ok(false);
        }
    };
    let facts: Value = serde_json::from_str(&answer).unwrap_or_default();
    if facts["active"].as_bool() == Some(false) {
        let detail = language
            .say(format!("{source}: the token is wrong or has ended"), format!("{source}：令牌错误或已失效"));
        let hint = refused(report);
        report.failed("credentials", detail, hint);
        return Ok(false);
    }
    let grant = checkup.session.credentials().grant().name();
    let client = facts["client_id"].as_str().unwrap_or("?");
    let mut detail = format!("{source}: {grant}, client_id {client}");
    let left = facts["exp"].as_f64().map(|ends| ends - token::now());
    if let Some(left) = left {
        let minutes = (left.max(0.0) / 60.0) as u64;
        detail.push_str(&match minutes / 1440 {
            0 | 1 => language.say(format!(", ends in {minutes} min"), format!("，剩余 {minutes} 分钟")),
            days => language.say(format!(", ends in {days} days"), format!("，剩余 {days} 天")),
        });
    }
    match left {
        Some(left) if left < SOON && grant != "client_credentials" => {
            let hint =
                language.say("a new token is needed soon: `bge login`", "令牌即将到期：请运行 bge login");
            report.warning("credentials", detail, hint);
        }
        _ => report.ok("credentials", detail),
    }
    if let Some(scopes) = facts["scope"].as_str() {
        // What is missing shows where it is needed.
        report.ok(
            "scopes",
            scopes.split([' ', ',']).filter(|scope| !scope.is_empty()).collect::<Vec<_>>().join(" "),
        );
    } else {
        report.skipped("scopes", language.say("the platform does not tell them", "平台未给出"));
    }
    Ok(true)
}

fn refused(report: &Report) -> String {
    report.language.say(
        "a new token is needed: `bge login` for a person, `bge token` for an application",
        "需要新的令牌：个人请运行 bge login，应用请运行 bge token",
    )
}

/// Whether the platform wanted fewer requests of this client.
pub(super) fn look_at_limits(checkup: &Checkup<'_>, report: &mut Report) {
    let language = report.language;
    let transport = checkup.session.transport();
    let refusals = transport.refusals();
    let own = transport.options().rate_limit;
    let limit = own.map_or(String::new(), |rate| {
        language.say(
            format!("; this client sends at most {rate} a second"),
            format!("；本客户端每秒最多 {rate} 次"),
        )
    });
    if refusals == 0 {
        let text = language.say("no request was refused for its number", "没有请求因过于频繁被拒绝");
        return report.ok("rate_limit", text + &limit);
    }
    let text = language.say(
        format!("{refusals} requests of this client were refused: too many (HTTP 429)"),
        format!("本客户端有 {refusals} 次请求因过于频繁被拒绝（HTTP 429）"),
    );
    let hint = language.say(
        "send less: the option \"rate_limit\", fewer programs at once, or a larger quota from the platform",
        "请降低频率：设置 rate_limit、减少同时运行的程序，或向平台申请更大的配额",
    );
    report.warning("rate_limit", text + &limit, hint);
}
