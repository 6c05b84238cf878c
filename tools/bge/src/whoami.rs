//! `bge whoami`: whose credentials are used, and what they are good for.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::{Value, json};

use crate::{connection::Connection, failure::Failure, out};

/// Whose credentials are used, where they come from, and what they are good for
#[derive(Debug, Args)]
pub struct Options {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let client = connection.open()?;
    let told: Value = serde_json::from_str(&client.call("introspect", "{}")?).unwrap_or_default();
    let token: Value = serde_json::from_str(&client.get_token()?).unwrap_or_default();
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let of_token =
        number(&token["obtained_at"]).zip(number(&token["expires_in"])).map(|(from, lasts)| from + lasts);
    let ends = number(&told["exp"]).or(of_token);
    let left = ends.map(|ends| (ends - now()).max(0.0) as u64);
    let active = told["active"].as_bool().unwrap_or(false);
    if options.json {
        out::line(&json!({
            "active": active, "client_id": told["client_id"], "user": told["username"], "scope": told["scope"],
            "grant": client.grant(), "source": client.source(), "endpoint": client.endpoint(), "expires_in": left,
        }).to_string())?;
    } else {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let grant = match client.grant() {
            "authorization_code" => told!("a person who signed in", "已登录的个人（授权码模式）"),
            "client_credentials" => told!("the application itself", "应用自身（客户端模式）"),
            _ => told!("an access token as it was given", "直接给出的访问令牌"),
        };
        let lines = [
            (told!("credentials", "凭证来源"), Some(client.source().to_owned())),
            (told!("as", "身份"), Some(grant)),
            (told!("user", "用户"), text(&told["username"])),
            (told!("client id", "客户端编号"), text(&told["client_id"])),
            (told!("scopes", "权限"), text(&told["scope"])),
            (told!("expires in", "剩余有效期"), left.map(lasting)),
            (told!("endpoint", "平台地址"), Some(client.endpoint().to_owned())),
        ];
        let width = lines.iter().map(|(name, _)| console::measure_text_width(name)).max().unwrap_or(0);
        for (name, value) in lines {
            if let Some(value) = value {
                let name = console::pad_str(&name, width, console::Alignment::Left, None);
                out::line(&format!("{name}  {value}"))?;
            }
        }
    }
    if active {
        return Ok(());
    }
    Err(Failure::unauthorised(told!(
        "the token is not good any more: `bge login`",
        "令牌已失效：请运行 bge login"
    )))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn lasting(seconds: u64) -> String {
    match seconds {
        0..120 => told!("{seconds} s", "{seconds} 秒"),
        120..7200 => told!("{} min", "{} 分钟", seconds / 60),
        172_800.. => told!("{} days", "{} 天", seconds / 86_400),
        _ => told!("{} h {} min", "{} 小时 {} 分钟", seconds / 3600, seconds % 3600 / 60),
    }
}
