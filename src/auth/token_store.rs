//! A file through which restarts and other processes share a renewed token.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::token::Token;
use crate::{
    context::Context,
    error::{Error, Result, Status},
};

/// How long another process may take over its renewal.
const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(20);

pub(crate) struct TokenStore(PathBuf);

/// Held while a token is renewed.
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud: a child forked meanwhile holds the same open file, and closing ours would not free it.
        let _ = self.0.unlock();
    }
}

impl TokenStore {
    pub(crate) fn new(path: PathBuf) -> Self {
        TokenStore(path)
    }

    fn failed(&self, what: &str, cause: &std::io::Error) -> Error {
        Error::io(format!("token_file cannot be {what}: {}", self.0.display()), cause)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.0.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    /// The token in the file; `None` where there is no file yet.
    pub(crate) fn read(&self) -> Result<Option<Token>> {
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(self.failed("read", &cause)),
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        Token::from_json(&text).map(Some).ok_or_else(|| {
            Error::argument("token_file", format!("holds no token: {}", self.0.display()))
                .with_hint("remove it, or name another file")
        })
    }

    /// Replaces the file, readable by its owner only.
    pub(crate) fn write(&self, json: &str) -> Result<()> {
        let temporary = self.beside(&format!(".{}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(&temporary).and_then(|mut file| {
            file.write_all(json.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.0)
        });
        written.map_err(|cause| {
            let _ = fs::remove_file(&temporary);
            self.failed("written", &cause)
        })
    }

    /// Waits for its turn among the processes that share the file.
    pub(crate) async fn lock(&self, context: &Context) -> Result<Lock> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.beside(".lock")).map_err(|cause| self.failed("locked", &cause))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::Error(cause)) => return Err(self.failed("locked", &cause)),
                Err(TryLockError::WouldBlock) if started.elapsed() > PATIENCE => {
                    return Err(Error::new(
                        Status::Timeout,
                        "another process holds token_file's lock for too long",
                    ));
                }
                Err(TryLockError::WouldBlock) => context.sleep(STEP).await?,
            }
        }
    }
}
