//! The connections of a client, or of all clients of one application: made when first needed, and anew after a fork.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use once_cell::sync::OnceCell;
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinHandle};

use super::{
    Request, Target, Transport,
    failover::Failover,
    failure,
    hop::Network,
    lanes::{Clients, KEPT, Lanes},
    lookup::Lookup,
    proxy::Proxies,
    tls::{ExtraRoots, Trust},
};
use crate::{
    error::{Error, Result, Status},
    options::Options,
    sys::{PerProcess, refuse_signals, without_signals},
};

/// What clients over the same connections have in common.
pub(super) struct Common {
    pub options: Options,
    ca: ExtraRoots,
    proxies: Proxies,
    pub links: PerProcess<Links>,
}

/// What does not survive a fork: threads, connections, locks.
pub(super) struct Links {
    trust: OnceCell<Trust>,
    blocking: OnceCell<reqwest::blocking::Client>,
    clients: Clients,
    runtime: OnceCell<Runtime>,
    pub lanes: Lanes,
    lookup: Lookup,
    pub connections: Arc<Semaphore>,
    pub failover: Failover,
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // The blocking client's thread is waited for: it has nothing to do that takes time, since names are looked up
        // on other threads.
    }
}

impl Common {
    pub(super) fn new(options: Options) -> Result<Self> {
        let ca = ExtraRoots::load(options.ca_file.as_deref())?;
        let proxies = Proxies::new(options.proxy.as_ref())?;
        let (max_connections, max_threads) = (options.max_connections, options.max_threads);
        let links = PerProcess::new(move || Links {
            trust: OnceCell::new(),
            blocking: OnceCell::new(),
            clients: Clients::default(),
            runtime: OnceCell::new(),
            lanes: Lanes::new(max_connections),
            lookup: Lookup::new(max_threads),
            connections: Arc::new(Semaphore::new(max_connections)),
            failover: Failover::default(),
        });
        Ok(Common { options, ca, proxies, links })
    }

    fn trust(&self) -> Result<&Trust> {
        self.links.trust.get_or_try_init(|| Trust::load(&self.ca))
    }

    fn builder(&self) -> Result<reqwest::ClientBuilder> {
        let options = &self.options;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.trust()?.config.clone())
            .connect_timeout(options.connect_timeout)
            .user_agent(&options.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(options.max_connections)
            .pool_idle_timeout(KEPT)
            .dns_resolver(Arc::new(self.links.lookup.clone()));
        Ok(self.proxies.apply(builder))
    }
}

impl Transport {
    /// The runtime that carries whatever can be cancelled or streams a body.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        let common = &*self.0.common;
        common.links.runtime.get_or_try_init(|| {
            without_signals(|| {
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .max_blocking_threads(common.options.max_threads)
                    .thread_name("bge")
                    .thread_keep_alive(Duration::from_secs(5))
                    // Threads that are started later may be started by the host's own.
                    .on_thread_start(refuse_signals)
                    .enable_all()
                    .build()
            })
            .map_err(|cause| Error::new(Status::Internal, "no thread could be started").with_cause(cause))
        })
    }

    /// Carries `work` out on the runtime and waits for it on this thread.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime()?.block_on(pin!(work) as Pin<&mut dyn Future<Output = Result<T>>>)
    }

    /// Carries `work` out on the runtime, beside the caller.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<JoinHandle<T>> {
        // Of one type, whatever is done: the runtime's part is compiled for each type anew.
        let work: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(work);
        Ok(self.runtime()?.spawn(work))
    }

    pub(super) fn network(&self) -> Result<Network<'_>> {
        let common = &*self.0.common;
        Ok(Network { proxies: &common.proxies, trust: common.trust()? })
    }

    pub(super) fn blocking(&self) -> Result<&reqwest::blocking::Client> {
        let common = &*self.0.common;
        let options = &common.options;
        common.links.blocking.get_or_try_init(|| {
            let builder = reqwest::blocking::ClientBuilder::from(common.builder()?).timeout(options.timeout);
            without_signals(|| builder.build()).map_err(failure::unbuilt)
        })
    }

    /// The client for a request: files come from anywhere, calls from the platform. What is sent from a lane goes over
    /// that lane's own connections.
    pub(super) fn streaming_for(&self, request: &Request) -> Result<reqwest::Client> {
        let common = &*self.0.common;
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(failure::unbuilt);
        let client_of = |clients: &Clients, most_idle: usize| match request.target {
            Target::Platform(_) => {
                let make = || build(common.builder()?.pool_max_idle_per_host(most_idle));
                clients.streaming.get_or_try_init(make).cloned()
            }
            Target::Url(_) => {
                let make = || build(common.builder()?.pool_max_idle_per_host(most_idle).no_gzip());
                clients.verbatim.get_or_try_init(make).cloned()
            }
        };
        match self.driven() {
            Some(lane) => client_of(&lane, 1),
            None => client_of(&common.links.clients, common.options.max_connections),
        }
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.0.common.links.lanes
    }

    /// By this the connections of one transport are distinguished from those of another.
    pub(super) fn owner(&self) -> usize {
        Arc::as_ptr(&self.0.common) as usize
    }
}
