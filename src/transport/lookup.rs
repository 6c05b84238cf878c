//! The system's name lookup, on threads of its own: one that hangs holds up neither disk work nor the end of a client.

use std::{
    collections::HashMap,
    net::{SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::failure::LookupFailed;
use crate::sys::without_signals;

type Found = Result<Vec<SocketAddr>, String>;
type Pending = watch::Receiver<Option<Found>>;

/// Looks each name up once for all who ask for it at the same time, on so many threads at most.
#[derive(Clone)]
pub(super) struct Lookup(Arc<Shared>);

struct Shared {
    turns: Arc<Semaphore>,
    under_way: Mutex<HashMap<String, Pending>>,
}

impl Lookup {
    pub(super) fn new(threads: usize) -> Self {
        let turns = Arc::new(Semaphore::new(threads));
        Lookup(Arc::new(Shared { turns, under_way: Mutex::default() }))
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, host: &str, turn: OwnedSemaphorePermit) -> std::io::Result<Pending> {
        // Held until it is entered: the thread takes it out only after that.
        let mut under_way = self.under_way();
        if let Some(pending) = under_way.get(host) {
            return Ok(pending.clone());
        }
        let (done, pending) = watch::channel(None);
        let (this, name) = (self.clone(), host.to_owned());
        let look = move || {
            let found = (name.as_str(), 0).to_socket_addrs().map(Vec::from_iter);
            let found = found.map_err(|cause| cause.to_string());
            this.under_way().remove(&name);
            drop(turn);
            done.send_replace(Some(found));
        };
        without_signals(|| thread::Builder::new().name("bge-lookup".to_owned()).spawn(look))?;
        under_way.insert(host.to_owned(), pending.clone());
        Ok(pending)
    }
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let failed = |cause: String| LookupFailed { host: host.clone(), cause };
            let pending = this.under_way().get(&host).cloned();
            let mut pending = match pending {
                Some(pending) => pending,
                None => {
                    let turn = this.0.turns.clone().acquire_owned().await?;
                    this.begin(&host, turn).map_err(|cause| failed(cause.to_string()))?
                }
            };
            let broken = || failed("it broke off".to_owned());
            let found = pending.wait_for(Option::is_some).await.map_err(|_| broken())?.clone();
            match found.ok_or_else(broken)? {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(cause) => Err(failed(cause).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_are_looked_up_and_failures_name_them() {
        let lookup = Lookup::new(2);
        let ask = |name: &str| lookup.resolve(name.parse().expect("a name"));
        let (one, other) = tokio::join!(ask("localhost"), ask("localhost"));
        for found in [one, other] {
            assert!(found.expect("localhost").all(|address| address.ip().is_loopback()));
        }
        let failed = ask("no-such-host.invalid").await.err().expect("nobody has it");
        assert!(failed.to_string().contains("no-such-host.invalid"), "{failed}");
        assert!(lookup.under_way().is_empty());
    }
}
