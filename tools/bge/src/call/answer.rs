//! What becomes of an answer: JSON as it came, a part of it, or its rows.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bge::{
    Client, PageRows,
    endpoint::{Endpoint, Pages},
};
use clap::{Args, ValueEnum};

use crate::{
    call::{rows::Rows, table::Table},
    extract::{
        options,
        output::{Output, Style},
        place::Place,
        progress::Interrupt,
    },
    failure::Failure,
    out,
};

/// How an answer is written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Answer")]
pub struct Shape {
    /// Every page of a list, from `next_page` on; as JSON, one page a line
    #[arg(long)]
    all_pages: bool,

    /// JSON as it came, or the rows of a list
    #[arg(long, value_enum, default_value_t = Form::Json)]
    format: Form,

    /// Only this part of the answer, as a JSON pointer such as /result/0/biosample_id; a text comes without quotes, /# is
    /// the length of a list
    #[arg(long, value_name = "POINTER")]
    query: Option<String>,

    /// Where it goes; standard output unless given
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As the platform wrote it
    Json,
    /// Columns side by side, for people
    Table,
    /// Comma-separated, with a line of names
    Csv,
    /// The same with tabs
    Tsv,
    /// One JSON object a row
    Jsonl,
    /// Apache Parquet
    Parquet,
    /// An Arrow IPC file
    Arrow,
}

impl Shape {
    /// What cannot be is said before anything is sent.
    pub fn check(&self, endpoint: &Endpoint) -> Result<(), Failure> {
        let name = endpoint.name;
        let wrong = match self.format {
            _ if self.all_pages && endpoint.pages == Pages::None => {
                told!("{name} has no pages: leave --all-pages out", "{name} 不分页：请去掉 --all-pages")
            }
            Form::Json => return Ok(()),
            _ if endpoint.columns.is_empty() => {
                told!(
                    "the answer of {name} has no rows: --format json",
                    "{name} 的返回没有行：只能用 --format json"
                )
            }
            _ if self.query.is_some() => {
                told!("--query is for --format json", "--query 只用于 --format json")
            }
            Form::Parquet | Form::Arrow if self.is_screen() => {
                told!(
                    "this format is not for a terminal: --output FILE",
                    "该格式不能输出到终端：请用 --output 文件"
                )
            }
            _ => return Ok(()),
        };
        Err(Failure::input(wrong))
    }

    fn is_screen(&self) -> bool {
        self.output == Path::new("-") && std::io::stdout().is_terminal()
    }

    /// Carries the call out and writes its answer.
    pub fn tell(&self, client: &Client, endpoint: &'static Endpoint, args: &str) -> Result<(), Failure> {
        match self.format {
            Form::Json => self.tell_json(client, endpoint, args),
            Form::Table => self.tell_rows(client, endpoint, args, Table::default()),
            Form::Csv => self.tell_rows(client, endpoint, args, self.file(options::Format::Csv)),
            Form::Tsv => self.tell_rows(client, endpoint, args, self.file(options::Format::Tsv)),
            Form::Jsonl => self.tell_rows(client, endpoint, args, self.file(options::Format::Jsonl)),
            Form::Parquet => self.tell_rows(client, endpoint, args, self.file(options::Format::Parquet)),
            Form::Arrow => self.tell_rows(client, endpoint, args, self.file(options::Format::Arrow)),
        }
    }

    fn tell_json(&self, client: &Client, endpoint: &'static Endpoint, args: &str) -> Result<(), Failure> {
        let mut text = String::new();
        let on_screen = self.output == Path::new("-");
        let mut add = |page: &str| {
            let part = match &self.query {
                None => page.to_owned(),
                Some(pointer) => bge::json_get(page, pointer)?.ok_or_else(|| {
                    Failure::input(told!("the answer has nothing at {pointer}", "返回中没有 {pointer}"))
                })?,
            };
            if on_screen {
                return out::line(&part);
            }
            text.push_str(&part);
            text.push('\n');
            Ok::<(), Failure>(())
        };
        if self.all_pages {
            let pages = client.pages(endpoint.name, args)?;
            while let Some(page) = pages.next_page()? {
                add(&page)?;
            }
        } else {
            add(&client.call(endpoint.name, args)?)?;
        }
        if on_screen { Ok(()) } else { crate::extract::place::write(&self.output, &text) }
    }

    fn tell_rows(
        &self,
        client: &Client,
        endpoint: &'static Endpoint,
        args: &str,
        mut rows: impl Rows,
    ) -> Result<(), Failure> {
        if self.all_pages {
            let mut batches = client.table(endpoint.name, args)?.stream()?;
            // Nothing is begun before the first rows are there: an error leaves no empty file.
            let mut next = batches.next_batch()?;
            rows.begin(&batches.schema(), &self.output)?;
            while let Some(batch) = next {
                rows.add(&batch)?;
                next = batches.next_batch()?;
            }
        } else {
            let mut page = PageRows::read(endpoint.name, &client.call(endpoint.name, args)?)?;
            rows.begin(&page.schema(), &self.output)?;
            while let Some(batch) = page.next_batch() {
                rows.add(&batch)?;
            }
        }
        rows.end(&self.output)
    }

    fn file(&self, format: options::Format) -> FileRows {
        FileRows { style: Style::plain(format), output: None, interrupt: None }
    }
}

/// One of the formats of `bge extract`.
struct FileRows {
    style: Style,
    output: Option<Output>,
    /// While a file is there that has no name yet.
    interrupt: Option<Interrupt>,
}

impl Rows for FileRows {
    fn begin(&mut self, schema: &SchemaRef, target: &Path) -> Result<(), Failure> {
        self.interrupt = (target != Path::new("-")).then(Interrupt::watch).transpose()?;
        self.output = Some(Output::create(Place::begin(target)?, target, &self.style, schema)?);
        Ok(())
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match &mut self.output {
            Some(output) => output.write(batch).map(drop),
            None => Ok(()),
        }
    }

    fn end(self, target: &Path) -> Result<(), Failure> {
        self.output.map_or(Ok(()), |output| output.finish(target))
    }
}
