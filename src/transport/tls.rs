//! Whom both senders trust.

use std::{
    env,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::error::{Error, Result, Status};

/// No list of certificates is longer.
const MOST: u64 = 16 << 20;

/// Certificates of the caller's `ca_file`, trusted beside the system's.
pub(super) struct ExtraRoots(Option<(PathBuf, Vec<CertificateDer<'static>>)>);

impl ExtraRoots {
    pub(super) fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(ExtraRoots(None)) };
        let wrong = || Error::argument("ca_file", "must name a file of PEM certificates");
        let mut pem = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut pem));
        read.map_err(|cause| wrong().with_cause(cause))?;
        // Before the first certificate it would hide it.
        let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&pem);
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| wrong())?;
        let mut trial = RootCertStore::empty();
        let usable = certificates.iter().all(|certificate| trial.add(certificate.clone()).is_ok());
        if certificates.is_empty() || !usable {
            return Err(wrong());
        }
        Ok(ExtraRoots(Some((path.to_owned(), certificates))))
    }
}

/// Whom a client trusts.
pub(super) struct Trust {
    pub config: rustls::ClientConfig,
    /// For people: where the certificates come from, and how many they are.
    pub description: String,
    /// Variables of the environment that should name certificates, and give none: nobody is trusted then.
    pub missing: Option<String>,
}

impl Trust {
    /// The system's roots, or those that the environment names in their place, and the caller's; where the system has
    /// none, a bundled set.
    pub(super) fn load(extra: &ExtraRoots) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        let (found, _) = roots.add_parsable_certificates(native.certs);
        let named: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .filter_map(|name| Some((name, env::var_os(name).filter(|value| !value.is_empty())?)))
            .map(|(name, value)| format!("{name} ({})", value.to_string_lossy()))
            .collect();
        let from = match (named.is_empty(), found) {
            (false, _) => named.join(" and "),
            (true, 0) => "the bundled list".to_owned(),
            (true, _) => "the system".to_owned(),
        };
        let missing = (!named.is_empty() && found == 0).then(|| from.clone());
        if found == 0 && missing.is_none() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let plural = if roots.len() == 1 { "" } else { "s" };
        let mut description = format!("{} certificate{plural} of {from}", roots.len());
        if let Some((path, certificates)) = &extra.0 {
            let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
            description.push_str(&format!(" and {added} of ca_file ({})", path.display()));
        }
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|cause| Error::new(Status::Internal, "TLS could not be set up").with_cause(cause))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Trust { config, description, missing })
    }

    /// An error before anything is sent, where it could not go well.
    pub(super) fn check(&self) -> Result<()> {
        match &self.missing {
            None => Ok(()),
            Some(named) => {
                let what = format!("{named} is set and gives no certificate: nobody can be trusted");
                Err(Error::new(Status::Transport, what)
                    .with_hint("correct it, or unset it")
                    .unsent()
                    .permanent()
                    .of_tls())
            }
        }
    }
}
