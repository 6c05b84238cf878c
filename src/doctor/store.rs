//! The object store and the key service.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use serde_json::Value;
use url::{Host, Url};

use super::{Patient, report::Report};
use crate::{
    error::{Error, Result, Status},
    platform::{args::Args, store_access::StoreAccess},
};

/// The object that goes there and back: one, whoever asks how often.
const NAME: &str = "bge-doctor.bin";
const SIZE: usize = 1 << 20;
/// The platform's code for a token without the scope.
const NO_PERMISSION: i64 = 401;

pub(super) async fn look(patient: &Patient<'_>, report: &mut Report, is_known: bool) -> Result<()> {
    if !is_known {
        return Ok(());
    }
    if reach(patient, report).await? && patient.wishes.round_trip {
        round_trip(patient, report).await?;
    } else if !patient.wishes.round_trip {
        report.skipped("round_trip", report.language.say("not asked for", "未要求检查"));
    }
    key(patient, report).await
}

/// The store's credentials, and a connection to it.
async fn reach(patient: &Patient<'_>, report: &mut Report) -> Result<bool> {
    let language = report.language;
    let answer = match patient.session.upload_token(&patient.context, Args::default()).await {
        Ok(answer) => answer,
        Err(error) => {
            let error = told(patient, "get_upload_token", error)?;
            if error.code() == NO_PERMISSION {
                let hint = language.say(
                    "sign in again with the scope for files: `bge login --scopes`, or ask for it at the platform",
                    "请以包含文件权限的 scope 重新登录（bge login --scopes），或向平台申请",
                );
                report.replace("scopes", error.message().to_owned(), hint);
            } else if error.http_status() == 429 {
                let told = language.say("not looked at: too many requests", "未检查：请求过于频繁");
                report.skipped("object_store", told);
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
    let transport = patient.session.transport();
    let knocked = async {
        let url = Url::parse(&address)
            .map_err(|_| Error::new(Status::Protocol, format!("{text} is no address")))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return Ok(()) };
        if transport.way(&url)?.proxy.is_some() {
            return Ok(());
        }
        let host = match host {
            // Objects are asked for at a name of the bucket's own.
            Host::Domain(name) => {
                let bucket = token["bucket"].as_str().unwrap_or_default();
                let own = format!("{bucket}.{name}");
                let found = transport.addresses(&patient.context, &Host::Domain(own.as_str()), port).await;
                match found {
                    Ok(found) => return knock(patient, &found).await,
                    Err(_) => Host::Domain(name),
                }
            }
            address => address,
        };
        let found = transport.addresses(&patient.context, &host, port).await?;
        knock(patient, &found).await
    };
    match knocked.await {
        Ok(()) => {
            report.ok("object_store", address);
            Ok(true)
        }
        Err(error) => {
            let error = told(patient, "doctor", error)?;
            let hint = language.say(
                "the platform is reached, and its object store is not: allow this address in the firewall or proxy",
                "平台可达但对象存储不可达：请在防火墙或代理中放行该地址",
            );
            report.failed("object_store", format!("{address}: {}", error.message()), hint);
            Ok(false)
        }
    }
}

async fn knock(patient: &Patient<'_>, addresses: &[std::net::SocketAddr]) -> Result<()> {
    let mut last = Err(Error::new(Status::Transport, "it has no address"));
    for address in addresses {
        last = patient.session.transport().knock(&patient.context, *address).await;
        if last.is_ok() {
            break;
        }
    }
    last
}

/// One mebibyte up and down again.
async fn round_trip(patient: &Patient<'_>, report: &mut Report) -> Result<()> {
    let language = report.language;
    // The same bytes each time, and none like the one before it.
    let content: Vec<u8> =
        (0..SIZE as u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let content = Bytes::from(content);
    let begun = Instant::now();
    let up =
        patient.objects.upload(patient.context.clone(), NAME, Arc::new(content.clone()), Args::default());
    let outcome = async {
        let result = up.await.map_err(|error| (error, "upload"))?;
        let result: Value = serde_json::from_str(&result).unwrap_or_default();
        let up = begun.elapsed();
        let object = result["object_name"].as_str().unwrap_or_default().to_owned();
        let came =
            patient.objects.fetch(&patient.context, &object).await.map_err(|error| (error, "download"))?;
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
            let told = language.say("other bytes came back than were sent", "下载内容与上传内容不一致");
            let hint = language.say(
                "something on the way changes bytes: a proxy, or a gateway",
                "途中有设备（代理或网关）改动了内容",
            );
            report.failed("round_trip", told, hint);
        }
        Err((error, call)) => {
            let error = told(patient, call, error)?;
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

async fn key(patient: &Patient<'_>, report: &mut Report) -> Result<()> {
    let language = report.language;
    let Some(cmk_id) = &patient.wishes.cmk_id else {
        report.skipped("key_service", language.say("no cmk_id was given", "未给出 cmk_id"));
        return Ok(());
    };
    match patient.objects.try_key(&patient.context, cmk_id).await {
        Ok(()) => report.ok("key_service", language.say("it gives data keys", "可以生成数据密钥")),
        Err(error) => {
            let error = told(patient, "key service", error)?;
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
fn told(patient: &Patient<'_>, call: &str, error: Error) -> Result<Error> {
    match error.status() {
        Status::Cancelled => Err(error),
        _ => Ok(patient.explained(call, error)),
    }
}
