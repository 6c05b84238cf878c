//! `bge login`: a person signs in.

mod browser;
mod code;
mod loopback;

use std::{
    fs::File,
    io::{self, BufRead, Read},
    sync::mpsc::{Sender, channel},
    thread,
    time::Duration,
};

use bge::OAuth2;
use clap::Args;
use url::Url;

use crate::{
    application::{self, Application, TOKEN},
    connection::{Connection, seconds},
    failure::Failure,
    login::code::Code,
};

/// Signs a person in, and keeps the token in the profile
///
/// The browser opens the platform's page, or its address is printed. The page leads back to an address on this machine,
/// where `bge` waits; an application that allows no such address has its own: given as REDIRECT_URI, it is where the browser
/// ends up, and the code that stands in the address there is typed in.
#[derive(Debug, Args)]
pub struct Options {
    /// Where the platform's page leads to; an address on this machine unless given
    redirect_uri: Option<String>,

    /// What is asked for, separated by commas or spaces; whatever the application may have unless given
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<String>,

    /// The port to wait at on this machine; a free one unless given
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "redirect_uri",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,

    /// Only print the address
    #[arg(long)]
    no_browser: bool,

    /// How long to wait for the browser
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    wait: f64,

    /// Exchange the profile's refresh token for a new token, without a browser
    #[arg(long, conflicts_with_all = ["redirect_uri", "scopes", "port", "no_browser"])]
    renew: bool,

    #[command(flatten)]
    application: application::Options,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let application = options.application.find(connection)?;
    let oauth2 = application.oauth2(connection)?;
    if options.renew {
        return renew(application, &oauth2);
    }
    let state = random()?;
    let listener = match &options.redirect_uri {
        None => Some(loopback::Listener::on(options.port, &state)?),
        Some(uri) => loopback::Listener::of(&parsed(uri)?, &state)?,
    };
    let redirect_uri = match (&options.redirect_uri, &listener) {
        (Some(uri), _) => uri.clone(),
        (None, Some(listener)) => listener.redirect_uri(),
        (None, None) => String::new(),
    };
    let address = oauth2.get_authorization_url(&redirect_uri, Some(&state), options.scopes.as_deref())?;
    let opens = !options.no_browser && browser::open(&address);
    if opens {
        eprintln!(
            "{}",
            told!(
                "The browser opens this page; sign in there:",
                "浏览器正在打开以下页面，请在其中登录并授权："
            )
        );
    } else {
        eprintln!(
            "{}",
            told!(
                "Open this page in a browser, and sign in there:",
                "请在浏览器中打开以下页面，登录并授权："
            )
        );
    }
    eprintln!("  {address}");
    let (found, waiting) = channel();
    let is_local = listener.is_some();
    if let Some(listener) = listener {
        let found = found.clone();
        thread::spawn(move || found.send(listener.wait()));
    }
    if is_local {
        eprintln!(
            "{}",
            told!(
                "Waiting. If the page cannot come back here, type the code, or the address that the browser ended up at:",
                "等待中。若页面无法跳转回本机，请输入 code，或浏览器最后停留的地址："
            )
        );
    } else {
        eprintln!(
            "{}",
            told!(
                "Then type the code, or the address that the browser ended up at:",
                "完成后请输入 code，或浏览器最后停留的地址："
            )
        );
    }
    read_codes(found, state, is_local);
    let limit = Duration::from_secs_f64(options.wait);
    let code = waiting
        .recv_timeout(limit)
        .map_err(|_| Failure::retry(told!("nobody signed in", "未完成登录").as_str()))??;
    let token = oauth2.exchange_authorization_code(&code, &redirect_uri)?;
    keep(application, &token)
}

/// A refresh token is good once: what it is exchanged for must not be lost.
fn renew(application: Application, oauth2: &OAuth2) -> Result<(), Failure> {
    let name = &application.name;
    let spent = application.stored.text(TOKEN, "refresh_token").ok_or_else(|| {
        Failure::input(told!(
            "the profile {name} has no refresh token: `bge login` without --renew",
            "配置 {name} 没有 refresh_token：请去掉 --renew 重新登录"
        ))
    })?;
    // The profile can be written: tried before there is something to lose.
    application.profiles.write(name, &application.stored)?;
    let token = oauth2.exchange_refresh_token(&spent)?;
    keep(application, &token)
}

fn keep(application: Application, token: &str) -> Result<(), Failure> {
    let name = application.name.clone();
    let path = application.store(Some(token))?;
    let path = path.display();
    eprintln!(
        "{}",
        told!(
            "Signed in: the token is in the profile {name} ({path})",
            "登录成功：令牌已存入配置 {name}（{path}）"
        )
    );
    Ok(())
}

fn parsed(uri: &str) -> Result<Url, Failure> {
    Url::parse(uri).map_err(|_| Failure::input(told!("{uri} is no address", "{uri} 不是有效地址")))
}

/// Sends what is typed, until it is a code. The end of standard input ends the wait where nothing else can bring one.
fn read_codes(found: Sender<Result<String, Failure>>, state: String, is_local: bool) {
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match code::read(&line, &state) {
                Code::None => {}
                Code::Is(code) => return drop(found.send(Ok(code))),
                Code::Refused(why) => return drop(found.send(Err(Failure::other(why)))),
            }
        }
        if !is_local {
            let told = told!("the code is missing", "缺少 code");
            let _ = found.send(Err(Failure::input(told)));
        }
    });
}

/// What an answer is known by: nobody else can know it.
fn random() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|cause| Failure::io("/dev/urandom", &cause))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
