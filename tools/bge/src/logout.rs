//! `bge logout`: forgets a token.

use bge::Profiles;
use clap::Args;

use crate::{application::TOKEN, connection::Connection, failure::Failure};

/// Forgets the profile's token; the application's id and secret stay
#[derive(Debug, Args)]
pub struct Options {}

pub fn run(_: &Options, connection: &Connection) -> Result<(), Failure> {
    let profiles = Profiles::of_user()?;
    let name = connection.profile_name(&profiles)?;
    let mut stored = profiles.read(&name)?.ok_or_else(|| super::profile::missing(&name))?;
    if stored.clear(TOKEN) {
        profiles.write(&name, &stored)?;
        eprintln!("{}", told!("The profile {name} has no token any more", "配置 {name} 的令牌已清除"));
    } else {
        eprintln!("{}", told!("The profile {name} had no token", "配置 {name} 没有令牌"));
    }
    Ok(())
}
