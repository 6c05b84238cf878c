//! `bge token`: the application's own token.

use clap::Args;

use crate::{application, connection::Connection, failure::Failure, out};

/// Obtains the application's own token (client credentials), and keeps it in the profile
#[derive(Debug, Args)]
pub struct Options {
    /// Print the access token, and nothing else, to standard output
    #[arg(long)]
    print: bool,

    #[command(flatten)]
    application: application::Options,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let application = options.application.find(connection)?;
    let token = application.oauth2(connection)?.get_credentials_token()?;
    let name = application.name.clone();
    let path = application.store(Some(&token))?;
    if options.print {
        let access = bge::json_get(&token, "/access_token")?.unwrap_or_default();
        return out::line(&access);
    }
    let path = path.display();
    eprintln!("{}", told!("The token is in the profile {name} ({path})", "令牌已存入配置 {name}（{path}）"));
    Ok(())
}
