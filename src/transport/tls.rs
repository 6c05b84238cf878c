//! How both senders connect: trusted roots, proxies, name lookup.

use std::{net::ToSocketAddrs, path::Path, sync::Arc, time::Duration};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::sync::Semaphore;

use super::failure::LookupFailed;
use crate::{
    error::{Error, Result, Status},
    options::Options,
};

/// Certificates of the caller's `ca_file`, trusted beside the system's.
pub(super) struct ExtraRoots(Vec<CertificateDer<'static>>);

impl ExtraRoots {
    pub(super) fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(ExtraRoots(Vec::new())) };
        let wrong = || Error::argument("ca_file", "must name a file of PEM certificates");
        let pem = std::fs::read(path).map_err(|cause| wrong().with_cause(cause))?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| wrong())?;
        let mut trial = RootCertStore::empty();
        let usable = certificates.iter().all(|certificate| trial.add(certificate.clone()).is_ok());
        if certificates.is_empty() || !usable { Err(wrong()) } else { Ok(ExtraRoots(certificates)) }
    }
}

/// The system's roots (`SSL_CERT_FILE` is honoured) and the caller's; where the system has none, a bundled set.
pub(super) fn config(extra: &ExtraRoots) -> Result<rustls::ClientConfig> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots.add_parsable_certificates(extra.0.iter().cloned());
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::new(Status::Internal, "TLS could not be set up").with_cause(cause))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

pub(super) fn builder(options: &Options, tls: rustls::ClientConfig) -> Result<reqwest::ClientBuilder> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(options.connect_timeout)
        .user_agent(&options.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(options.max_connections)
        // Shorter than the idle time of the load balancers in front of such services, so that no write
        // meets a connection that is just being closed.
        .pool_idle_timeout(Duration::from_secs(10))
        .dns_resolver(Arc::new(Lookup(Arc::new(Semaphore::new(options.max_threads)))));
    if let Some(proxy) = &options.proxy {
        let proxy = reqwest::Proxy::all(proxy.reveal())
            .map_err(|_| Error::argument("proxy", "must be an http or https address"))?;
        builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
    }
    Ok(builder)
}

/// The system's name lookup, on a bounded number of threads.
struct Lookup(Arc<Semaphore>);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let turns = self.0.clone();
        Box::pin(async move {
            let _turn = turns.acquire_owned().await?;
            let host = name.as_str().to_owned();
            let looked =
                tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs().map(Vec::from_iter))
                    .await?;
            match looked {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(cause) => {
                    Err(LookupFailed { host: name.as_str().to_owned(), cause: cause.to_string() }.into())
                }
            }
        })
    }
}
