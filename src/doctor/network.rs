//! From the name to the first answer.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use reqwest::header::{CONTENT_TYPE, DATE, LOCATION};
use url::{Host, Url};

use super::{Checkup, report::Report};
use crate::{
    error::{Result, Status},
    transport::{Answer, ProxyRoute},
};

/// So many addresses of a family are tried.
const TRIED: usize = 3;
/// A clock that is off by more is doubtful; by more than the second, signatures are refused.
const DOUBTFUL: Duration = Duration::from_secs(60);
const REFUSED: Duration = Duration::from_secs(900);

/// Whether the platform answers.
pub(super) async fn look(checkup: &Checkup<'_>, report: &mut Report) -> Result<bool> {
    let transport = checkup.session.transport();
    let url = &transport.options().endpoint;
    let route = transport.proxy_route(url)?;
    let is_reached = match &route.proxy {
        Some(proxy) if proxy.looks_names_up => {
            let text = report.language.say("the proxy looks names up", "由代理服务器解析域名");
            report.skipped("name_lookup", text);
            true
        }
        _ => names(checkup, report, url, route.proxy.is_none()).await?,
    };
    if route.proxy.is_some() && is_reached {
        let text = report.language.say("the proxy makes the connections", "由代理服务器建立连接");
        report.skipped("addresses", text);
    }
    let outcome = if is_reached { Some(transport.look(&checkup.context, "/ping").await) } else { None };
    if let Some(Err(error)) = &outcome
        && error.status() == Status::Cancelled
    {
        return Err(error.clone());
    }
    if !proxy(checkup, report, &route, outcome.as_ref()).await? {
        return Ok(false);
    }
    let Some(outcome) = outcome else { return Ok(false) };
    if !tls(checkup, report, url, &outcome) {
        return Ok(false);
    }
    answered(report, url, outcome)
}

/// Looks the name up, and connects to its addresses where connections are made from here.
async fn names(checkup: &Checkup<'_>, report: &mut Report, url: &Url, connects: bool) -> Result<bool> {
    let transport = checkup.session.transport();
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return Ok(false) };
    let language = report.language;
    let found = match transport.addresses(&checkup.context, &host, port).await {
        Ok(found) => found,
        Err(error) if error.status() == Status::Cancelled => return Err(error),
        Err(error) => {
            let cause = error.message();
            let detail = language.say(
                format!("the name {host} could not be looked up: {cause}"),
                format!("域名 {host} 无法解析：{cause}"),
            );
            let hint = language.say(
                "check the endpoint's name, and the name servers of this machine (/etc/resolv.conf)",
                "请检查平台地址是否正确，以及本机 DNS 服务器设置（/etc/resolv.conf）",
            );
            report.failed("name_lookup", detail, hint);
            return Ok(false);
        }
    };
    if matches!(host, Host::Domain(_)) {
        let listed: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
        report.ok("name_lookup", format!("{host}: {}", listed.join(", ")));
    } else {
        report.ok(
            "name_lookup",
            language.say(format!("{host} is an address"), format!("{host} 本身就是 IP 地址")),
        );
    }
    if connects { addresses(checkup, report, &found).await } else { Ok(true) }
}

async fn addresses(checkup: &Checkup<'_>, report: &mut Report, found: &[SocketAddr]) -> Result<bool> {
    let transport = checkup.session.transport();
    let (mut good, mut bad, mut text) = (0, 0, Vec::new());
    for (family, is_of) in
        [("IPv4", SocketAddr::is_ipv4 as fn(&SocketAddr) -> bool), ("IPv6", SocketAddr::is_ipv6)]
    {
        let (mut failure, mut is_open, mut asked) = (None, false, 0);
        for address in found.iter().filter(|address| is_of(address)).take(TRIED) {
            asked += 1;
            match transport.try_connecting(&checkup.context, *address).await {
                Ok(()) => is_open = true,
                Err(error) if error.status() == Status::Cancelled => return Err(error),
                Err(error) => failure = Some((*address, error)),
            }
            if is_open {
                break;
            }
        }
        match failure.filter(|_| !is_open) {
            _ if asked == 0 => {}
            None => {
                good += 1;
                text.push(format!("{family}: ok"));
            }
            // This machine has no network of that family, which is nobody's fault.
            Some((_, error)) if !error.is_passing() => {
                text.push(
                    report
                        .language
                        .say(format!("{family}: not on this machine"), format!("{family}：本机未启用")),
                );
            }
            Some((address, error)) => {
                bad += 1;
                text.push(format!("{family}: {address}: {}", error.message()));
            }
        }
    }
    let (language, detail) = (report.language, text.join("; "));
    match (good, bad) {
        (0, _) => {
            let hint = language.say(
                "a firewall, or nothing that listens there: check the endpoint's port, and whether a proxy is needed",
                "可能被防火墙拦截，或该端口没有服务：请检查平台地址的端口，以及是否需要代理",
            );
            report.failed("addresses", detail, hint);
            return Ok(false);
        }
        (_, 0) => report.ok("addresses", detail),
        _ => {
            let hint = language.say(
                "one kind of address does not work and costs time: have it mended, or taken out of the name service",
                "其中一类地址不可用，会拖慢连接：请修复该网络，或从 DNS 中去掉该地址",
            );
            report.warning("addresses", detail, hint);
        }
    }
    Ok(true)
}

/// The proxy, and why it is used; whether it let the request through.
async fn proxy(
    checkup: &Checkup<'_>,
    report: &mut Report,
    route: &ProxyRoute,
    outcome: Option<&Result<Answer>>,
) -> Result<bool> {
    let language = report.language;
    let Some(proxy) = &route.proxy else {
        let text = match route.excepted {
            Some(from) => language.say(
                format!("none: {from} names one, and no_proxy excepts this address"),
                format!("未使用：{from} 设置了代理，但 no_proxy 排除了该地址"),
            ),
            None => language.say("none", "未使用"),
        };
        report.ok("proxy", text);
        return Ok(true);
    };
    let named = language
        .say(format!("{}, of {}", proxy.name, proxy.from), format!("{}，来自 {}", proxy.name, proxy.from));
    let hint = language.say(
        format!("check {} and what the proxy allows; NO_PROXY excepts addresses", proxy.from),
        format!("请检查 {} 及代理的访问规则；NO_PROXY 可排除地址", proxy.from),
    );
    if let Some((host, port)) = &proxy.place {
        let host = Host::parse(host).unwrap_or_else(|_| Host::Domain(host.clone()));
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        let transport = checkup.session.transport();
        let connected = async {
            let mut last = Ok(());
            for address in transport.addresses(&checkup.context, &host, *port).await? {
                last = transport.try_connecting(&checkup.context, address).await;
                if last.is_ok() {
                    break;
                }
            }
            last
        };
        if let Err(error) = connected.await {
            if error.status() == Status::Cancelled {
                return Err(error);
            }
            report.failed("proxy", format!("{named}: {}", error.message()), hint);
            return Ok(false);
        }
    }
    match outcome {
        Some(Err(error)) if error.is_unsent() && !error.is_of_tls() => {
            report.failed("proxy", format!("{named}: {}", error.message()), hint);
            Ok(false)
        }
        _ => {
            report.ok("proxy", named);
            Ok(true)
        }
    }
}

fn tls(checkup: &Checkup<'_>, report: &mut Report, url: &Url, outcome: &Result<Answer>) -> bool {
    let language = report.language;
    if url.scheme() != "https" {
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let text = language.say("the endpoint is http", "平台地址为 http");
        match is_here {
            true => report.skipped("tls", text),
            false => {
                let hint = language.say(
                    "tokens travel in the clear: use the https address",
                    "令牌将以明文传输：请使用 https 地址",
                );
                report.warning("tls", text, hint);
            }
        }
        return true;
    }
    let trusted = checkup.session.transport().trusted();
    let refused = outcome.as_ref().err().filter(|error| error.is_of_tls());
    match (&trusted, refused) {
        (Ok(trusted), None) => {
            report.ok("tls", language.say(format!("trusted: {trusted}"), format!("信任的证书：{trusted}")));
            true
        }
        (Err(error), _) | (Ok(_), Some(error)) => {
            let hint = language.say(
                "check this machine's clock and \"ca_file\": a gateway that opens TLS has a certificate authority of its own",
                "请检查本机时间与 ca_file：会解密 TLS 的网关有自己的根证书",
            );
            report.failed("tls", error.message().to_owned(), hint);
            false
        }
    }
}

/// Whether it was the platform that answered, and when.
fn answered(report: &mut Report, url: &Url, outcome: Result<Answer>) -> Result<bool> {
    let language = report.language;
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => {
            let hint = language.say(
                "the connection is there, and no answer comes: try again later, or from another network",
                "已建立连接但没有应答：请稍后重试，或换一个网络",
            );
            report.failed("platform", error.message().to_owned(), hint);
            return Ok(false);
        }
    };
    let header =
        |name| answer.headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
    let elsewhere = header(LOCATION)
        .filter(|_| (300..400).contains(&answer.status))
        .and_then(|location| url.join(location).ok())
        .filter(|to| to.origin() != url.origin());
    let is_page = header(CONTENT_TYPE).is_some_and(|media| media.trim_start().starts_with("text/html"));
    let portal = match elsewhere {
        Some(to) => {
            let to = to.origin().ascii_serialization();
            Some(language.say(
                format!("another server answered: it leads to {to}"),
                format!("应答的不是平台：被引向 {to}"),
            ))
        }
        None if is_page && answer.status < 400 => {
            Some(language.say("a web page answered, not the platform", "应答的是网页，不是平台"))
        }
        None => None,
    };
    if let Some(text) = portal {
        let hint = language.say(
            "a captive portal: sign in to this network with a browser; or the endpoint is not the platform's",
            "可能是需要认证的网络：请用浏览器登录该网络；或平台地址不正确",
        );
        report.failed("platform", text, hint);
        return Ok(false);
    }
    if answer.status >= 400 && answer.status != 429 {
        let text = language.say(
            format!("it answers with HTTP {}", answer.status),
            format!("平台返回 HTTP {}", answer.status),
        );
        let hint = language.say(
            "the platform, or a gateway before it, does not work: try again later; check the endpoint's path",
            "平台或其网关故障：请稍后重试；并检查平台地址的路径",
        );
        report.failed("platform", text, hint);
        return Ok(false);
    }
    report.ok("platform", language.say("it answers", "应答正常"));
    clock(report, header(DATE));
    Ok(true)
}

fn clock(report: &mut Report, date: Option<&str>) {
    let language = report.language;
    let Some(there) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        let text = language.say("the server does not tell its time", "服务器未给出时间");
        return report.skipped("clock", text);
    };
    let here = SystemTime::now();
    let (apart, is_ahead) = match here.duration_since(there) {
        Ok(apart) => (apart, true),
        Err(before) => (before.duration(), false),
    };
    // Dates have whole seconds.
    let seconds = apart.as_secs();
    let text = match (seconds, is_ahead) {
        (0..2, _) => language.say("as the server's", "与服务器一致"),
        (_, true) => {
            language.say(format!("{seconds} s ahead of the server's"), format!("比服务器快 {seconds} 秒"))
        }
        (_, false) => {
            language.say(format!("{seconds} s behind the server's"), format!("比服务器慢 {seconds} 秒"))
        }
    };
    let hint = || language.say("set this machine's clock (NTP)", "请校准本机时间（NTP）");
    match apart {
        apart if apart > REFUSED => report.failed("clock", text, hint()),
        apart if apart > DOUBTFUL => report.warning("clock", text, hint()),
        _ => report.ok("clock", text),
    }
}
