//! What proxies say for themselves: why one made no tunnel, or did not carry a request.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderValue};
use rustls::pki_types::ServerName;
use url::Url;

use super::proxy::{Proxy, bare};
use crate::error::{Error, Status};

/// What a proxy says for itself, in the place of whom it was to lead to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ProxyAnswer {
    status: Option<u16>,
    wants: Vec<String>,
    why: Option<String>,
}

/// Reasons of RFC 9209 and of Squid that come before anything was sent on.
const UNSENT: [&str; 12] = [
    "dns_error",
    "dns_timeout",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "connection_refused",
    "connection_timeout",
    "ERR_DNS_FAIL",
    "ERR_CONNECT_FAIL",
    "ERR_CANNOT_FORWARD",
    "ERR_ACCESS_DENIED",
];

impl ProxyAnswer {
    /// What the head of an answer says of a failure that is the proxy's own; `None` where it does not say so.
    pub(super) fn of(status: u16, headers: &HeaderMap) -> Option<Self> {
        let text = |value: &HeaderValue| value.to_str().ok().map(short);
        // The last member of the list is the proxy that is next to us.
        let status_header = headers.get_all("proxy-status").iter().next_back().and_then(text);
        let of_status = status_header.as_deref().and_then(|text| {
            text.rsplit(',').find_map(|member| {
                member.split(';').find_map(|part| {
                    part.trim().strip_prefix("error=").map(|why| why.trim_matches('"').to_owned())
                })
            })
        });
        let squid = headers.get("x-squid-error").and_then(text);
        let is_its_own = headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("proxy-") && !matches!(name, "proxy-connection" | "proxy-status")
        });
        let why = of_status.or(squid);
        (why.is_some() || is_its_own).then(|| ProxyAnswer { status: Some(status), wants: Vec::new(), why })
    }

    /// Whether nothing of the request got any further.
    pub(super) fn is_unsent(&self) -> bool {
        let why = self.why.as_deref().and_then(|why| why.split(' ').next());
        why.is_some_and(|why| UNSENT.contains(&why))
    }
}

fn short(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(120).collect()
}

/// The proxy that a failure came through, which may be its own.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    proxy: String,
    host: String,
}

impl Through {
    pub(super) fn new(proxy: &Proxy) -> Self {
        Through { proxy: proxy.to_string(), host: proxy.address().host_str().unwrap_or_default().to_owned() }
    }

    /// Says of a failure whose it may be: a page that names the proxy is the proxy's.
    pub(super) fn explain(&self, error: Error, page: &[u8]) -> Error {
        let text = String::from_utf8_lossy(page.get(..page.len().min(16 << 10)).unwrap_or_default());
        match self.host.len() > 3 && text.contains(&self.host) {
            true => {
                let what =
                    format!("{} could not get an answer (it says {})", self.proxy, error.http_status());
                Error::new(Status::Transport, what).with_http(error.http_status(), None)
            }
            false => error.at(&format!("the answer came through {}", self.proxy)),
        }
    }
}

/// A connection to a proxy.
trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

/// A connection that is over at a certain time, however slowly something comes.
struct Until {
    socket: TcpStream,
    end: Instant,
}

impl Until {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Until {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(piece)
    }
}

impl Write for Until {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Proxy {
    /// Asks once more for the tunnel that failed, to learn why: what carries the calls keeps it to itself.
    pub(super) fn ask(&self, url: &Url, tls: &rustls::ClientConfig, patience: Duration) -> ProxyAnswer {
        if !self.speaks_http() {
            return ProxyAnswer::default();
        }
        self.head(url, tls, patience).ok().and_then(|head| answer_in(&head)).unwrap_or_default()
    }

    fn head(&self, url: &Url, tls: &rustls::ClientConfig, patience: Duration) -> io::Result<Vec<u8>> {
        let end = Instant::now() + patience;
        let none = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let port = self.address().port_or_known_default().ok_or_else(none)?;
        let host = bare(self.address().host_str().ok_or_else(none)?);
        let address = (host, port).to_socket_addrs()?.next().ok_or_else(none)?;
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let socket = Until { socket: TcpStream::connect_timeout(&address, left)?, end };
        let mut stream: Box<dyn Line> = match self.address().scheme() {
            "https" => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                let session = rustls::ClientConnection::new(Arc::new(tls.clone()), name);
                Box::new(rustls::StreamOwned::new(session.map_err(io::Error::other)?, socket))
            }
            _ => Box::new(socket),
        };
        let target =
            format!("{}:{}", url.host_str().ok_or_else(none)?, url.port_or_known_default().ok_or_else(none)?);
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if !self.address().username().is_empty() {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let who = format!(
                "{}:{}",
                decoded(self.address().username()),
                decoded(self.address().password().unwrap_or_default())
            );
            request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(who)));
        }
        stream.write_all(format!("{request}\r\n").as_bytes())?;
        stream.flush()?;
        let mut head = Vec::new();
        let mut piece = [0; 1024];
        while head.len() < 16 << 10 && !head.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut piece)? {
                0 => break,
                read => head.extend_from_slice(&piece[..read]),
            }
        }
        Ok(head)
    }

    /// The error of what the proxy did not let through.
    pub(super) fn refused(&self, url: &Url, said: &ProxyAnswer) -> Error {
        let target = super::origin(url);
        let failed = |what: String| Error::new(Status::Transport, what).unsent();
        let why = said.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        match said.status {
            Some(407) => self.wants(&said.wants).unsent(),
            // By now it lets calls through, it is over its head, or what lies behind it is.
            None | Some(200..=299 | 408 | 425 | 429 | 500..) => {
                let status = said.status.filter(|status| *status >= 300);
                let answer = status.map_or(String::new(), |status| format!(" (it says {status}{why})"));
                failed(format!("{self} made no connection to {target}{answer}"))
            }
            Some(status) => {
                failed(format!("{self} refuses connections to {target} (it says {status}{why})")).permanent()
            }
        }
    }

    /// The error of a proxy that wants to know who calls.
    pub(super) fn wants(&self, schemes: &[String]) -> Error {
        let how = if schemes.is_empty() { String::new() } else { format!(": {}", schemes.join(", ")) };
        let named = if self.address().username().is_empty() { "needs" } else { "does not take this" };
        Error::new(Status::Transport, format!("{self} {named} user and password{how}"))
            .with_http(407, None)
            .with_hint("http://user:password@proxy:3128 in \"proxy\" or HTTPS_PROXY names them")
            .permanent()
    }
}

fn answer_in(head: &[u8]) -> Option<ProxyAnswer> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let wants = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"))
        .map(|(_, value)| short(value))
        .collect();
    Some(ProxyAnswer { status: Some(status), wants, why: None })
}

#[cfg(test)]
mod tests {
    use super::{super::proxy::parse, *};

    #[test]
    fn what_a_proxy_says_is_understood() {
        let proxy = parse("proxy", "http://user:secret@p:3128").expect("a proxy");
        let url = Url::parse("https://api.example/x?y").expect("an address");
        let heard = answer_in(
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"lab\"\r\nproxy-authenticate: NTLM\r\n\r\n",
        );
        let error = proxy.refused(&url, &heard.expect("a head"));
        assert!(error.message().contains("Basic realm=\"lab\", NTLM") && error.is_unsent(), "{error}");
        assert!(!error.is_passing() && !error.message().contains("secret"), "{error}");
        for (head, passes) in [
            (&b"HTTP/1.1 503 Busy\r\n\r\n"[..], true),
            (b"HTTP/1.0 502 x", true),
            (b"HTTP/1.1 403 No\r\n\r\n", false),
            (b"nonsense", true),
        ] {
            let error = proxy.refused(&url, &answer_in(head).unwrap_or_default());
            assert_eq!(error.is_passing(), passes, "{error}");
            assert!(error.is_unsent() && error.message().contains("the proxy http://p:3128"), "{error}");
        }
    }

    /// Each byte of a drip is new, and none of them is an answer.
    #[test]
    fn a_proxy_that_drips_is_asked_for_no_longer_than_it_may() {
        for scheme in ["http", "https"] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            let dripping = std::thread::spawn(move || {
                let (mut socket, _) = listener.accept().expect("a connection");
                let record = [22, 3, 3, 64, 0].into_iter().chain(std::iter::repeat_n(0, 1000));
                for byte in record {
                    std::thread::sleep(Duration::from_millis(20));
                    if socket.write_all(&[byte]).is_err() {
                        return;
                    }
                }
            });
            let proxy = parse("proxy", &format!("{scheme}://{address}")).expect("a proxy");
            let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
                rustls::crypto::ring::default_provider(),
            ))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
            let url = Url::parse("https://api.example/").expect("an address");
            let begun = Instant::now();
            assert_eq!(proxy.ask(&url, &tls, Duration::from_millis(300)), ProxyAnswer::default());
            assert!(begun.elapsed() < Duration::from_secs(10), "{scheme}: {:?}", begun.elapsed());
            dripping.join().expect("it was hung up on");
        }
    }

    #[test]
    fn a_failure_of_its_own_is_told_by_its_headers() {
        let said = |status, name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header"));
            ProxyAnswer::of(status, &headers)
        };
        for (name, value, why, unsent) in [
            ("x-squid-error", "ERR_CONNECT_FAIL 111", Some("ERR_CONNECT_FAIL 111"), true),
            ("x-squid-error", "ERR_READ_TIMEOUT 0", Some("ERR_READ_TIMEOUT 0"), false),
            ("proxy-status", "p; error=connection_refused; details=\"x\"", Some("connection_refused"), true),
            (
                "proxy-status",
                "far, near;error=\"http_response_timeout\"",
                Some("http_response_timeout"),
                false,
            ),
            ("proxy-agent", "lab/1.0", None, false),
        ] {
            let said = said(502, name, value).expect(value);
            assert_eq!((said.why.as_deref(), said.is_unsent()), (why, unsent), "{name}: {value}");
        }
        for (name, value) in [
            ("proxy-status", "p; received-status=502"),
            ("proxy-connection", "close"),
            ("via", "1.1 p (squid/5.7)"),
        ] {
            assert_eq!(said(502, name, value), None, "{name}: {value}");
        }
    }

    #[test]
    fn a_page_that_names_the_proxy_is_its_own() {
        let through = Through::new(&parse("proxy", "http://proxy.lab:3128").expect("a proxy"));
        let failed = || Error::new(Status::Http, "the server refused").with_http(504, None);
        let own = through.explain(failed(), b"<p>Generated by proxy.lab (squid/5.7)</p>");
        assert_eq!((own.status(), own.http_status()), (Status::Transport, 504), "{own}");
        let unknown = through.explain(failed(), b"<p>upstream timed out</p>");
        assert_eq!(unknown.status(), Status::Http);
        assert!(unknown.message().contains("through the proxy http://proxy.lab:3128"), "{unknown}");
    }
}
