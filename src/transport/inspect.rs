//! The way to an address looked at piece by piece, for whoever wants to know why it leads nowhere.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::atomic::Ordering,
    time::Duration,
};

use tokio::net::{TcpStream, lookup_host};
use url::{Host, Url};

use super::{Answer, Request, Target, Transport, hop::Hop, streaming};
use crate::{
    context::Context,
    error::{Error, Result, Status},
};

/// What lies on the way to an address.
pub(crate) struct ProxyRoute {
    /// The proxy, as messages name it.
    pub proxy: Option<NamedProxy>,
    /// The option or variable that names a proxy which this address is excepted from.
    pub excepted: Option<&'static str>,
}

pub(crate) struct NamedProxy {
    pub name: String,
    /// The option or variable that names it.
    pub from: &'static str,
    pub place: Option<(String, u16)>,
    /// Whether names are looked up on its side.
    pub looks_names_up: bool,
}

impl Transport {
    pub(crate) fn proxy_route(&self, url: &Url) -> Result<ProxyRoute> {
        let proxies = self.network()?.proxies;
        let named = proxies.named(url);
        Ok(match (named, proxies.on_the_way(url)) {
            (Some((_, from)), Some(proxy)) => {
                let (name, place) = (proxy.to_string(), proxy.place());
                let looks_names_up = proxy.looks_names_up();
                ProxyRoute { proxy: Some(NamedProxy { name, from, place, looks_names_up }), excepted: None }
            }
            (named, _) => ProxyRoute { proxy: None, excepted: named.map(|(_, from)| from) },
        })
    }

    /// Whose certificates are trusted, in words; an error where nobody can be.
    pub(crate) fn trusted(&self) -> Result<&str> {
        let trust = self.network()?.trust;
        trust.check()?;
        Ok(&trust.description)
    }

    /// The addresses of a host; a literal one is its own.
    pub(crate) async fn addresses(
        &self,
        context: &Context,
        host: &Host<&str>,
        port: u16,
    ) -> Result<Vec<SocketAddr>> {
        let name = match host {
            Host::Ipv4(address) => return Ok(vec![(IpAddr::from(*address), port).into()]),
            Host::Ipv6(address) => return Ok(vec![(IpAddr::from(*address), port).into()]),
            Host::Domain(name) => *name,
        };
        let looked =
            context.bounded(within(self.options().connect_timeout, lookup_host((name, port)))).await?;
        let mut found: Vec<SocketAddr> = looked.collect();
        found.dedup();
        Ok(found)
    }

    /// Opens a connection and closes it.
    pub(crate) async fn try_connecting(&self, context: &Context, address: SocketAddr) -> Result<()> {
        context.bounded(within(self.options().connect_timeout, TcpStream::connect(address))).await.map(drop)
    }

    /// One request for a path below the endpoint, at this address only; what it is answered, be it a redirect.
    pub(crate) async fn look(&self, context: &Context, path: &str) -> Result<Answer> {
        let url = super::address(&self.options().endpoint, path)?;
        let request = Request::new(reqwest::Method::GET, Target::Platform(path.to_owned()));
        let hop = Hop::first(context, &request, url, self.network()?)?;
        let attempt = async {
            let streamed = streaming::open(&self.streaming_for(&request)?, &hop, context).await;
            let answer = streamed.map_err(|error| hop.blamed(error))?.collect().await?;
            self.heard(context, &request, answer.status, &answer.headers).await?;
            Ok(answer)
        };
        context.bounded(attempt).await
    }

    /// How often the platform wanted fewer requests of this client.
    pub(crate) fn refusals(&self) -> u64 {
        self.0.own.refusals.load(Ordering::Relaxed)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = std::io::Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(|cause| {
            let error = Error::io("no answer", &cause).with_status(Status::Transport);
            if is_of_this_machine(&cause) { error.permanent() } else { error }
        }),
        Err(_) => Err(Error::new(Status::Timeout, format!("no answer within {} s", limit.as_secs_f32()))),
    }
}

/// This machine has no such network, whoever is asked.
fn is_of_this_machine(cause: &io::Error) -> bool {
    let known = [libc::ENETUNREACH, libc::EADDRNOTAVAIL, libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT];
    cause.raw_os_error().is_some_and(|number| known.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_not_there_is_told_from_one_that_does_not_answer() {
        for (number, is_here) in [
            (libc::ENETUNREACH, true),
            (libc::EADDRNOTAVAIL, true),
            (libc::EAFNOSUPPORT, true),
            (libc::ECONNREFUSED, false),
            (libc::EHOSTUNREACH, false),
            (libc::ETIMEDOUT, false),
        ] {
            assert_eq!(is_of_this_machine(&io::Error::from_raw_os_error(number)), is_here, "{number}");
        }
        assert!(!is_of_this_machine(&io::Error::other("something")));
    }
}
