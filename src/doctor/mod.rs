//! Why does it not work? Everything between a client and the platform, looked at in order: each thing is all right, doubtful
//! or wrong, with the one thing to do, in English or Chinese. Nothing secret is in it. What stands on something that is
//! wrong is not looked at, so that one fault is told once.

mod account;
mod network;
mod report;
mod store;
mod words;

use serde_json::{Value, json};

use self::{report::Report, words::Language};
use crate::{
    context::Context,
    error::{Error, Result},
    objects::Objects,
    options,
    platform::{args::Args, session::Session},
};

/// What is asked of the doctor.
struct DoctorOptions {
    language: Language,
    /// Whether a small object is written and read.
    round_trip: bool,
    /// A master key of the key service to be tried.
    cmk_id: Option<String>,
}

impl DoctorOptions {
    fn read(args: &Args) -> Result<Self> {
        const KNOWN: [&str; 3] = ["lang", "round_trip", "cmk_id"];
        if let Some(other) = args.names().find(|name| !KNOWN.contains(name)) {
            return Err(options::unknown("argument", other, &KNOWN));
        }
        let language = match args.text("lang")?.as_deref() {
            None | Some("en") => Language::English,
            Some("zh") => Language::Chinese,
            Some(_) => return Err(Error::argument("lang", "must be \"en\" or \"zh\"")),
        };
        let round_trip = match args.get("round_trip") {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(Error::argument("round_trip", "must be true or false")),
        };
        Ok(DoctorOptions { language, round_trip, cmk_id: args.text("cmk_id")?.filter(|id| !id.is_empty()) })
    }
}

/// What is looked at, and with what.
struct Checkup<'a> {
    session: &'a Session,
    objects: &'a Objects,
    context: Context,
    wanted: DoctorOptions,
    /// Where the credentials were found, or why they were not.
    source: std::result::Result<&'a str, &'a Error>,
}

impl Checkup<'_> {
    /// A failure as it may be shown.
    fn explained(&self, call: &str, error: Error) -> Error {
        self.session.explain(call, self.context.tag.as_deref(), error)
    }
}

/// Looks at everything; the findings as JSON. It fails only where it was asked for wrongly, or cancelled.
pub(crate) async fn look(
    session: &Session,
    objects: &Objects,
    context: Context,
    args: &Args,
    source: std::result::Result<&str, &Error>,
) -> Result<String> {
    let mut context = context.switched(&args.switches(&["timeout", "deadline", "headers"])?);
    // A hiccup is no finding; an outage is.
    context.max_retries = Some(1);
    let wanted = DoctorOptions::read(args)?;
    let language = wanted.language;
    let checkup = Checkup { session, objects, context, wanted, source };
    let mut report = Report::new(language);
    let is_there = network::look(&checkup, &mut report).await?;
    let is_known = account::look(&checkup, &mut report, is_there).await?;
    store::look(&checkup, &mut report, is_known).await?;
    account::look_at_limits(&checkup, &mut report);
    let endpoint = session.transport().options().endpoint.as_str();
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let checks: Vec<Value> = report.into_json();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "system": system,
        "endpoint": endpoint,
        "checks": checks,
    })
    .to_string())
}
