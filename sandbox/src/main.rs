//! `bge-sandbox`: a stand-in for the BGE open platform, its object store and its key service, on loopback.
//!
//! It follows the platform's API document and the documentation of store and key service, and knows nothing of any client.

#![forbid(unsafe_code)]

mod cli;
mod keys;
mod platform;
mod run;
mod server;
mod store;
mod wire;
mod world;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use cli::{Cli, Command};
use server::sandbox::Sandbox;
use server::side::Side;
use world::options::Options;
use world::{Settings, World};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
        .and_then(|runtime| {
            let result = runtime.block_on(start(cli));
            // Nothing that is still being answered keeps the process alive.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(status) => ExitCode::from(status),
        Err(message) => {
            eprintln!("bge-sandbox: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn start(cli: Cli) -> Result<u8, String> {
    let (options, command) = match cli.command {
        Some(Command::Run { options, command }) => (options, Some(command)),
        None => (cli.options, None),
    };
    let bind = async |port: u16| {
        let listener = server::bind(port)
            .await
            .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("cannot listen: {error}"))?;
        Ok::<_, String>((listener, address.port()))
    };
    let (platform, port) = bind(options.port).await?;
    let (store, store_port) = bind(options.store_port).await?;
    let (kms, kms_port) = bind(options.kms_port).await?;
    let (mut changes, mut store_options) = (Map::new(), Map::new());
    for (name, value) in options.option {
        match name.strip_prefix("store.") {
            Some(name) => store_options.insert(name.to_owned(), value),
            None => changes.insert(name, value),
        };
    }
    let plain = Options {
        latency: options.latency,
        rps: options.rps,
        max_limit: options.max_limit,
        ..Options::default()
    };
    let world = World::new(Settings {
        seed: options.seed,
        samples: options.samples,
        taxa: options.taxa,
        data_dir: options.data_dir,
        store_endpoint: format!("http://127.0.0.1:{store_port}"),
        options: plain.changed(&Value::Object(changes)).map_err(|error| format!("--option: {error}"))?,
        store_options: Value::Object(store_options),
    })?;
    let address = |port: u16| format!("http://127.0.0.1:{port}");
    let sandbox = Sandbox::new(world, &address(port), &address(kms_port));
    sandbox.faults.add_all(&options.fault).map_err(|error| format!("--fault: {error}"))?;
    // Before the ready line: whoever reads it may send a signal at once.
    let stop = if command.is_none() { Some(stop_signals()?) } else { None };
    tokio::spawn(server::serve(platform, Side::Platform, Arc::clone(&sandbox)));
    tokio::spawn(server::serve(store, Side::Store, Arc::clone(&sandbox)));
    tokio::spawn(server::serve(kms, Side::Kms, Arc::clone(&sandbox)));
    match (command, stop) {
        (Some(command), _) => run::run(&command, &sandbox.ready).await,
        (None, Some((mut terminate, mut interrupt))) => {
            let mut out = std::io::stdout();
            writeln!(out, "{}", sandbox.ready)
                .and_then(|()| out.flush())
                .map_err(|error| format!("cannot print the ready line: {error}"))?;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = stdin_closed(), if cli.stdin_lifetime => {}
            }
            Ok(0)
        }
        (None, None) => Ok(0),
    }
}

fn stop_signals() -> Result<(tokio::signal::unix::Signal, tokio::signal::unix::Signal), String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    Ok((listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?))
}

/// Returns when there is nothing more to read from standard input; what is read is ignored.
async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 256];
    while stdin.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}
