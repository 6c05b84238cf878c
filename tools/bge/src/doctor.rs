//! `bge doctor`: why does it not work?

use bge::Client;
use clap::Args;
use serde_json::{Value, json};

use crate::{connection::Connection, failure::Failure, lang, out};

/// Looks at everything between this machine and the platform, and says what to do about what is wrong
///
/// Name lookup, addresses, proxy, TLS, captive portals, the clock, credentials and scopes, the object store with a small
/// object there and back (bge-doctor.bin), the key service if a key is named, rate limits. Nothing secret is in the answer: it
/// can be shown to others.
#[derive(Debug, Args)]
pub struct Options {
    /// Master key of the key service to try, too
    #[arg(long, value_name = "ID")]
    cmk_id: Option<String>,

    /// Write no object
    #[arg(long)]
    no_round_trip: bool,

    /// The findings as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let args = json!({
        "lang": lang::say("en", "zh"),
        "round_trip": !options.no_round_trip,
        "cmk_id": options.cmk_id,
    });
    let mut way = connection.options();
    // A person waits for it.
    way.entry("timeout").or_insert(json!(10));
    way.entry("connect_timeout").or_insert(json!(5));
    let told = Client::doctor_with(&Value::Object(way).to_string(), &args.to_string())?;
    let report: Value = serde_json::from_str(&told).unwrap_or_default();
    let checks = report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if options.json {
        out::line(&told)?;
    } else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        out::line(&format!(
            "bge {} ({}), {}",
            text(&report["version"]),
            text(&report["system"]),
            text(&report["endpoint"])
        ))?;
        let width =
            checks.iter().map(|check| console::measure_text_width(&shown(&check["name"]))).max().unwrap_or(0);
        for check in checks {
            let name =
                console::pad_str(&shown(&check["name"]), width, console::Alignment::Left, None).into_owned();
            let state = state(check["state"].as_str().unwrap_or_default());
            out::line(&format!("{state}  {name}  {}", text(&check["detail"])))?;
            if let Some(hint) = check["hint"].as_str() {
                out::line(&format!("{:width$}  -> {hint}", "", width = width + 9))?;
            }
        }
    }
    let failed = checks.iter().filter(|check| check["state"] == "failed").count();
    match failed {
        0 => Ok(()),
        1 => Err(Failure::other(told!("one thing is wrong", "发现 1 项问题"))),
        _ => Err(Failure::other(told!("{failed} things are wrong", "发现 {failed} 项问题"))),
    }
}

/// Seven columns wide, coloured for whoever looks at it.
fn state(state: &str) -> String {
    let (word, colour) = match state {
        "ok" => (lang::say("ok", "正常"), 32),
        "warning" => (lang::say("warning", "注意"), 33),
        "failed" => (lang::say("FAILED", "失败"), 31),
        _ => (lang::say("skipped", "跳过"), 2),
    };
    let word = console::pad_str(word, 7, console::Alignment::Left, None);
    if out::is_coloured() { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.into_owned() }
}

fn shown(name: &Value) -> String {
    let name = name.as_str().unwrap_or_default();
    let chinese = match name {
        "name_lookup" => "域名解析",
        "addresses" => "网络地址",
        "proxy" => "代理",
        "tls" => "TLS 证书",
        "platform" => "平台应答",
        "clock" => "时钟",
        "credentials" => "凭证",
        "scopes" => "权限",
        "object_store" => "对象存储",
        "round_trip" => "上传下载",
        "key_service" => "密钥服务",
        "rate_limit" => "请求频率",
        other => other,
    };
    lang::say(&name.replace('_', " "), chinese).to_owned()
}
