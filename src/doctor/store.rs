//! The object store and the key service.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use serde_json::Value;
use url::{Host, Url};

use super::{Checkup, report::Report};
use crate::{
    error::{Error, Result, Status},
    platform::{args::Args, store_access::StoreAccess},
};

/// The object that goes there and back: one, whoever asks how often.
const NAME: &str = "bge-doctor.bin";
const SIZE: usize = 1 << 20;
/// The platform's code for a token without the scope.
const NO_PERMISSION: i64 = 401;

pub(super) async fn look(checkup: &Checkup<'_>, report: &mut Report, is_known: bool) -> Result<()> {
    if !is_known {
        return Ok(());
    }
    if reach(checkup, report).await? && checkup.wanted.round_trip {
        round_trip(checkup, report).await?;
    } else if !checkup.wanted.round_trip {
        report.skipped("round_trip", report.language.say("not asked for", "未要求检查"));
    }
    key(checkup, report).await
}

/// The store's credentials, and a connection to it.
async fn reach(checkup: &Checkup<'_>, report: &mut Report) -> Result<bool> {
    let language = report.language;
    let answer = match checkup.session.upload_token(&checkup.context, Args::default()).await {
        Ok(answer) => answer,
        Err(error) => {
            let error = shown(checkup, "get_upload_token", error)?;
            if error.code() == NO_PERMISSION {
                let hint = language.say(
                    "sign in again with the scope for files: `bge login --scopes`, or ask for it at the platform",
                    "请以包含文件权限的 scope 重新登录（bge login --scopes），或向平台申请",
                );
                report.replace("scopes", error.message().to_owned(), hint);
            } else if error.http_status() == 429 {
                let text = language.say("not looked at: too many requests", "未检查：请求过于频繁");
                report.skipped("object_store", text);
            } else {
                let hint = language.say(
                    "the platform gives no access to the object store: try again later",
                    "平台未给出对象存储的访问凭证：请稍后重试",
                );
                report.failed("object_store", error.message().to_owned(), hint);
            }
            return Ok(false);
        }
    };
    let token: Value = serde_json::from_str(&answer).unwrap_or_default();
    let text = token["endpoint"].as_str().unwrap_or_default();
    let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let transport = checkup.session.transport();
    let connected = async {
        let url = Url::parse(&address)
            .map_err(|_| Error::new(Status::Protocol, format!("{text} is no address")))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return Ok(()) };
        if transport.proxy_route(&url)?.proxy.is_some() {
            return Ok(());
        }
        let host = match host {
            // Objects are asked for at a name of the bucket's own.
            Host::Domain(name) => {
                let bucket = token["bucket"].as_str().unwrap_or_default();
                let own = format!("{bucket}.{name}");
                let found = transport.addresses(&checkup.context, &Host::Domain(own.as_str()), port).await;
                match found {
                    Ok(found) => return try_connecting(checkup, &found).await,
                    Err(_) => Host::Domain(name),
                }
            }
            address => address,
        };
        let found = transport.addresses(&checkup.context, &host, port).await?;
        try_connecting(checkup, &found).await
    };
    match connected.await {
        Ok(()) => {
            report.ok("object_store", address);
            Ok(true)
        }
        Err(error) => {
            let error = shown(checkup, "doctor", error)?;
            let hint = language.say(
                "the platform is reached, and its object store is not: allow this address in the firewall or proxy",
                "平台可达但对象存储不可达：请在防火墙或代理中放行该地址",
            );
            report.failed("object_store", format!("{address}: {}", error.message()), hint);
            Ok(false)
        }
    }
}

async fn try_connecting(checkup: &Checkup<'_>, addresses: &[std::net::SocketAddr]) -> Result<()> {
    let mut last = Err(Error::new(Status::Transport, "it has no address"));
    for address in addresses {
        last = checkup.session.transport().try_connecting(&checkup.context, *address).await;
        if last.is_ok() {
            break;
        }
    }
    last
}

/// One mebibyte up and down again.
async fn round_trip(checkup: &Checkup<'_>, report: &mut Report) -> Result<()> {
    let language = report.language;
    // The same bytes each time, and none like the one before it.
    let content: Vec<u8> =
        (0..SIZE as u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let content = Bytes::from(content);
    let begun = Instant::now();
    let up =
        checkup.objects.upload(checkup.context.clone(), NAME, Arc::new(content.clone()), Args::default());
    let outcome = async {
        let result = up.await.map_err(|error| (error, "upload"))?;
        let result: Value = serde_json::from_str(&result).unwrap_or_default();
        let up = begun.elapsed();
        let object = result["object_name"].as_str().unwrap_or_default().to_owned();
        let came =
            checkup.objects.fetch(&checkup.context, &object).await.map_err(|error| (error, "download"))?;
        Ok::<_, (Error, &str)>((came, up, begun.elapsed() - up))
    };
    match outcome.await {
        Ok((came, up, down)) if came == content => {
            let rate = |spent: std::time::Duration| 1.0 / spent.as_secs_f64().max(0.001);
            let (up, down) = (rate(up), rate(down));
            report.ok(
                "round_trip",
                language.say(
                    format!("1 MiB up ({up:.1} MiB/s) and down ({down:.1} MiB/s), the same bytes"),
                    format!("1 MiB 上传（{up:.1} MiB/s）与下载（{down:.1} MiB/s），内容一致"),
                ),
            );
        }
        Ok(_) => {
            let text = language.say("other bytes came back than were sent", "下载内容与上传内容不一致");
            let hint = language.say(
                "something on the way changes bytes: a proxy, or a gateway",
                "途中有设备（代理或网关）改动了内容",
            );
            report.failed("round_trip", text, hint);
        }
        Err((error, call)) => {
            let error = shown(checkup, call, error)?;
            let hint = match error.status() {
                Status::Integrity => language.say(
                    "something on the way changes bytes: a proxy, or a gateway",
                    "途中有设备（代理或网关）改动了内容",
                ),
                Status::Storage => language.say(
                    "the object store refuses what the platform allowed: show this to the platform's support",
                    "对象存储拒绝了平台已授权的操作：请将此报告提供给平台支持",
                ),
                _ => language.say(
                    "transfers break off: check proxy and firewall, and try again later",
                    "传输中断：请检查代理与防火墙，稍后重试",
                ),
            };
            report.failed("round_trip", error.message().to_owned(), hint);
        }
    }
    Ok(())
}

async fn key(checkup: &Checkup<'_>, report: &mut Report) -> Result<()> {
    let language = report.language;
    let Some(cmk_id) = &checkup.wanted.cmk_id else {
        report.skipped("key_service", language.say("no cmk_id was given", "未给出 cmk_id"));
        return Ok(());
    };
    match checkup.objects.try_key(&checkup.context, cmk_id).await {
        Ok(()) => report.ok("key_service", language.say("it gives data keys", "可以生成数据密钥")),
        Err(error) => {
            let error = shown(checkup, "key service", error)?;
            let hint = language.say(
                "check the key's id and state, who may use it, and \"kms_endpoint\"",
                "请检查密钥 ID 与状态、使用权限，以及 kms_endpoint",
            );
            report.failed("key_service", error.message().to_owned(), hint);
        }
    }
    Ok(())
}

/// A failure as it may be shown; a cancel ends everything.
fn shown(checkup: &Checkup<'_>, call: &str, error: Error) -> Result<Error> {
    match error.status() {
        Status::Cancelled => Err(error),
        _ => Ok(checkup.explained(call, error)),
    }
}
