//! `bge api`: calls as the official Python command spells them: what is positional, which letters stand for what.

use std::path::PathBuf;

use bge::endpoint::{self, Endpoint, Type};
use clap::{Arg, ArgAction, ArgMatches, FromArgMatches, Subcommand, error::ErrorKind};

use crate::{
    call::flags::{self, Typed},
    connection::Connection,
    failure::Failure,
    lang, out,
};

/// A call of the official command.
struct Spelling {
    name: &'static str,
    call: &'static str,
    /// Arguments without a flag, in their order.
    positions: &'static [&'static str],
    letters: &'static [(&'static str, char)],
}

const fn spelling(
    name: &'static str,
    call: &'static str,
    positions: &'static [&'static str],
    letters: &'static [(&'static str, char)],
) -> Spelling {
    Spelling { name, call, positions, letters }
}

const PAGE: (&str, char) = ("next_page", 'p');
const LIMIT: (&str, char) = ("limit", 'n');
const SAMPLE: &str = "biosample_id";

static SPELLINGS: &[Spelling] = &[
    spelling("get_user", "get_user", &[], &[]),
    spelling("get_overview", "get_overview", &[], &[]),
    spelling("id_meta", "verify_id_meta", &["idcard", "realname"], &[]),
    spelling("get_samples", "get_samples", &[], &[("biosample_ids", 'b'), PAGE, LIMIT]),
    spelling("get_externals", "externals", &["project_id", "biosample_site", "external_ids"], &[]),
    spelling("get_variants", "get_variants", &[SAMPLE, "rsids"], &[]),
    spelling("get_taxon_abundance", "get_taxon_abundance", &[SAMPLE], &[PAGE, LIMIT]),
    spelling("get_func_abundance", "get_func_abundance", &[SAMPLE, "catalog"], &[PAGE, LIMIT]),
    spelling(
        "get_gene_abundance",
        "get_gene_abundance",
        &[SAMPLE, "catalog"],
        &[("data_type", 'd'), PAGE, LIMIT],
    ),
    spelling("get_range_stream", "get_range_stream", &["data_element_id"], &[(SAMPLE, 'b'), PAGE, LIMIT]),
    spelling(
        "aggregate_omics_data",
        "aggregate_omics_data",
        &["data_element_id", "time_dimension"],
        &[(SAMPLE, 'b'), ("interval", 'i')],
    ),
    spelling("get_data_items", "get_data_items", &[SAMPLE, "namespace"], &[PAGE]),
    spelling(
        "ferry_to_oss",
        "ferry_to_oss",
        &["account", "password", "project_no", "biosample_cnt"],
        &[("included_filename_exts", 'e'), ("sample_names", 'n'), ("action", 'a')],
    ),
    spelling("upload", "upload_file", &["path"], &[("filename", 'f'), ("cmk_id", 'i'), ("region_id", 'r')]),
    spelling("upload_dir", "upload_dir", &["path"], &[("cmk_id", 'i'), ("region_id", 'r')]),
    spelling("download", "download", &["object_name"], &[("region", 'r'), ("expiration_time", 'e')]),
    spelling("task", "task", &["task_id"], &[]),
    spelling("applet_url", "applet_url", &["code"], &[("path", 'p'), ("query", 'q')]),
];

/// Arguments that the official command takes in MiB.
const IN_MIB: [&str; 2] = ["part_size", "multipart_threshold"];
/// What the official command takes and what has no meaning here.
const IGNORED: [(&str, char); 2] = [("mode", 'm'), ("chunk_size", 'c')];
const TOKEN: &str = "access_token";

/// A call with what was typed for it.
#[derive(Debug)]
pub struct Chosen {
    endpoint: &'static Endpoint,
    typed: Typed,
    token: Option<String>,
}

impl Spelling {
    fn endpoint(&self) -> Option<&'static Endpoint> {
        endpoint::find(self.call)
    }

    fn command(&self) -> Option<clap::Command> {
        let endpoint = self.endpoint()?;
        let token = Arg::new(TOKEN).short('t').long(TOKEN).value_name("TOKEN").help(lang::say(
            "An access token; others see what is typed here",
            "访问令牌；命令行参数会被他人看到",
        ));
        let mut command = clap::Command::new(self.name).about(lang::of_call(endpoint)).arg(token);
        let mut place = 0;
        for name in self.positions {
            place += 1;
            let arg = endpoint.arg(name)?;
            command = command.arg(
                Arg::new(flags::id(arg))
                    .index(place)
                    .required(true)
                    .value_name(arg.name)
                    .help(flags::about(arg)),
            );
        }
        // A download's path is the official command's own choice.
        let is_chosen = |arg: &endpoint::Arg| self.call == "download" && arg.name == "path";
        let is_option = |arg: &&endpoint::Arg| !self.positions.contains(&arg.name) && !is_chosen(arg);
        for arg in endpoint.args.iter().filter(is_option) {
            command = command.args(self.options(arg));
        }
        if self.call == "download" {
            command = command
                .args(IGNORED.map(|(name, letter)| Arg::new(name).short(letter).long(name).hide(true)));
        }
        Some(command)
    }

    fn options(&self, arg: &'static endpoint::Arg) -> Vec<Arg> {
        let letter = self.letters.iter().find(|(name, _)| *name == arg.name).map(|(_, letter)| *letter);
        let mut about = flags::about(arg);
        if IN_MIB.contains(&arg.name) {
            about.push_str(lang::say("; in MiB here", "；此处单位为 MiB"));
        }
        let flag = Arg::new(flags::id(arg)).long(arg.name).help(about).value_name(arg.name);
        let flag = letter.into_iter().fold(flag, Arg::short);
        if arg.kind == Type::Bool {
            let no = Arg::new(format!("no-{}", arg.name))
                .long(format!("no-{}", arg.name))
                .action(ArgAction::SetTrue);
            let flag = flag
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .overrides_with(format!("no-{}", arg.name));
            return vec![flag, no.hide(true)];
        }
        vec![flag.required(arg.required).allow_hyphen_values(true)]
    }

    fn chosen(&self, matches: &ArgMatches) -> Option<Chosen> {
        let endpoint = self.endpoint()?;
        let mut typed = Typed::default();
        for arg in endpoint.args {
            let no = format!("no-{}", arg.name);
            let is_off = matches.try_get_one::<bool>(&no).ok().flatten().copied().unwrap_or(false);
            let text = matches.try_get_one::<String>(&flags::id(arg)).ok().flatten();
            let text = if is_off { Some("false".to_owned()) } else { text.cloned() };
            if let Some(text) = text {
                typed.push(arg.name, if IN_MIB.contains(&arg.name) { in_bytes(&text) } else { text });
            }
        }
        Some(Chosen { endpoint, typed, token: matches.get_one::<String>(TOKEN).cloned() })
    }
}

/// What is no number is the call's to refuse.
fn in_bytes(mib: &str) -> String {
    let bytes = mib.parse::<u64>().ok().and_then(|mib| mib.checked_mul(1 << 20));
    bytes.map_or_else(|| mib.to_owned(), |bytes| bytes.to_string())
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        command
            .subcommand_value_name("NAME")
            .disable_help_subcommand(true)
            .subcommands(SPELLINGS.iter().filter_map(Spelling::command))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        SPELLINGS.iter().any(|spelling| spelling.name == name)
    }
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (name, matches) =
            matches.subcommand().ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        let spelling = SPELLINGS.iter().find(|spelling| spelling.name == name);
        spelling
            .and_then(|spelling| spelling.chosen(matches))
            .ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub fn run(chosen: &Chosen, connection: &Connection) -> Result<(), Failure> {
    let mut members = super::json(chosen.typed.texts(), chosen.endpoint)?;
    if chosen.endpoint.name == "download" {
        let name = chosen.typed.texts().iter().find(|(name, _)| name == "object_name");
        let name = name.and_then(|(_, object)| object.rsplit('/').next()).unwrap_or_default();
        if name.is_empty() || matches!(name, "." | "..") {
            return Err(Failure::input(told!("object_name names no file", "object_name 不是文件")));
        }
        members.set("path", &free_name(name))?;
    }
    let client = match &chosen.token {
        Some(token) => connection.with_token(token)?,
        None => connection.open()?,
    };
    out::line(&client.call(chosen.endpoint.name, &members.json()?)?)
}

/// `name`, or `name (1)` and so on where that is taken.
fn free_name(name: &str) -> PathBuf {
    let path = PathBuf::from(name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let ending = path.extension().map_or(String::new(), |ending| format!(".{}", ending.to_string_lossy()));
    let others = (1..).map(|number: u64| PathBuf::from(format!("{stem} ({number}){ending}")));
    std::iter::once(path)
        .chain(others)
        .find(|path| std::fs::symlink_metadata(path).is_err())
        .unwrap_or_default()
}
