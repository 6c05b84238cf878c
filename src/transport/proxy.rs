//! Proxies: from the option or the environment, and for whom they are.

use std::{env, fmt, net::IpAddr};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::{
    error::{Error, Result},
    redact::Secret,
};

/// The option that names a proxy.
const OPTION: &str = "proxy";
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The proxies that a client goes by, as they were when it was made.
#[derive(Clone)]
pub(super) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// Which option or variable named them.
    http_from: &'static str,
    https_from: &'static str,
    direct: Direct,
}

/// One proxy; name and password are those of the URL, percent-encoded there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy(Url);

impl Proxy {
    pub(super) fn address(&self) -> &Url {
        &self.0
    }

    /// Where it listens.
    pub(super) fn place(&self) -> Option<(String, u16)> {
        Some((bare(self.0.host_str()?).to_owned(), self.0.port_or_known_default()?))
    }

    /// Whether names are looked up on its side.
    pub(super) fn looks_names_up(&self) -> bool {
        self.0.scheme() != "socks5"
    }

    /// Whether it reads requests and may answer them itself.
    pub(super) fn speaks_http(&self) -> bool {
        self.0.scheme().starts_with("http")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "the proxy {}://{host}", self.0.scheme())?;
        self.0.port_or_known_default().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Proxies {
    /// `given` is the option; without it the environment counts. `NO_PROXY` counts for both.
    pub(super) fn new(given: Option<&Secret>) -> Result<Self> {
        Self::of(given, |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn of(given: Option<&Secret>, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name)?.trim().to_owned();
                (!value.is_empty()).then_some((*name, value))
            })
        };
        let read =
            |found: Option<(&'static str, String)>| found.map(|(name, text)| parse(name, &text)).transpose();
        let direct = Direct::parse(&first(&["no_proxy", "NO_PROXY"]).unwrap_or_default().1);
        if let Some(given) = given {
            let proxy = Some(parse(OPTION, given.reveal())?);
            let (http_from, https_from) = (OPTION, OPTION);
            return Ok(Proxies { http: proxy.clone(), https: proxy, http_from, https_from, direct });
        }
        let all = first(&["all_proxy", "ALL_PROXY"]);
        // In a CGI program HTTP_PROXY is a header that the browser sent.
        let http = if variable("REQUEST_METHOD").is_some() {
            &["http_proxy"][..]
        } else {
            &["http_proxy", "HTTP_PROXY"]
        };
        let http = first(http).or_else(|| all.clone());
        let https = first(&["https_proxy", "HTTPS_PROXY"]).or(all);
        let from = |found: &Option<(&'static str, String)>| found.as_ref().map_or("", |(name, _)| *name);
        let (http_from, https_from) = (from(&http), from(&https));
        Ok(Proxies { http: read(http)?, https: read(https)?, http_from, https_from, direct })
    }

    /// The proxy for an address's scheme and what named it, whether the address is excepted or not.
    pub(super) fn named(&self, url: &Url) -> Option<(&Proxy, &'static str)> {
        let (proxy, from) = if url.scheme() == "https" {
            (&self.https, self.https_from)
        } else {
            (&self.http, self.http_from)
        };
        proxy.as_ref().map(|proxy| (proxy, from))
    }

    /// The proxy on the way to an address.
    pub(super) fn on_the_way(&self, url: &Url) -> Option<&Proxy> {
        self.named(url).map(|(proxy, _)| proxy).filter(|_| !self.direct.covers(url))
    }

    /// Tells reqwest the same.
    pub(super) fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        if self.http.is_none() && self.https.is_none() {
            return builder.no_proxy();
        }
        let this = self.clone();
        builder.proxy(reqwest::Proxy::custom(move |url| this.on_the_way(url).map(|proxy| proxy.0.clone())))
    }
}

/// Reads a proxy's address. A password may hold any character: whatever stands before the last `@` belongs to it.
pub(super) fn parse(name: &str, text: &str) -> Result<Proxy> {
    let wrong = |why: &str| {
        Error::argument(
            name,
            format!("must be an http, https, socks5 or socks5h address such as http://proxy:3128{why}"),
        )
    };
    let (scheme, rest) = match text.trim().split_once("://") {
        Some(parts) => parts,
        // Variables are often written so.
        None if name != "proxy" => ("http", text.trim()),
        None => return Err(wrong("")),
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "socks" => "socks5h".to_owned(),
        scheme if SCHEMES.contains(&scheme) => scheme.to_owned(),
        _ => return Err(wrong("")),
    };
    let (who, host) = rest.rsplit_once('@').map_or((None, rest), |(who, host)| (Some(who), host));
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', '\\', ' ']) {
        return Err(wrong(": after the host there is at most a port"));
    }
    // The parser knows hosts and ports of http only.
    let plain = Url::parse(&format!("http://{host}")).map_err(|_| wrong(""))?;
    let port = match host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((_, port)) if !port.is_empty() => format!(":{port}"),
        _ if scheme.starts_with("socks") => ":1080".to_owned(),
        _ => String::new(),
    };
    let host = plain.host_str().ok_or_else(|| wrong(""))?;
    let who = match who {
        None => String::new(),
        Some(who) => {
            let (user, password) = who.split_once(':').unwrap_or((who, ""));
            if user.is_empty() {
                return Err(wrong(": a password needs a user before it"));
            }
            format!("{}:{}@", encoded(user), encoded(password))
        }
    };
    Url::parse(&format!("{scheme}://{who}{host}{port}/")).map(Proxy).map_err(|_| wrong(""))
}

/// Characters stand for themselves or percent-encoded; a `%` that begins no code is one.
fn encoded(text: &str) -> String {
    let decoded =
        percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), |text| text.into_owned());
    utf8_percent_encode(&decoded, NON_ALPHANUMERIC).to_string()
}

/// Whom no proxy is for.
#[derive(Clone, Debug, Default)]
struct Direct {
    everybody: bool,
    entries: Vec<(Whom, Option<u16>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    /// A domain and all below it.
    Domain(String),
    /// The addresses that begin with so many bits of this one.
    Network(IpAddr, u8),
}

impl Direct {
    fn parse(text: &str) -> Self {
        let mut direct = Direct::default();
        for entry in text.split([',', ' ', '\t', ';']).map(str::trim).filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                direct.everybody = true;
            } else if let Some(entry) = entry_of(entry) {
                direct.entries.push(entry);
            }
        }
        direct
    }

    fn covers(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = bare(&host).parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let port = url.port_or_known_default();
        self.everybody
            || self.entries.iter().any(|(whom, only)| {
                let fits = match (whom, address) {
                    (Whom::Domain(domain), None) => host
                        .strip_suffix(domain.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                    (Whom::Network(network, bits), Some(address)) => is_within(address, *network, *bits),
                    _ => false,
                };
                fits && only.is_none_or(|only| Some(only) == port)
            })
    }
}

pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

fn entry_of(entry: &str) -> Option<(Whom, Option<u16>)> {
    let network = |text: &str| -> Option<Whom> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = bare(address).parse::<IpAddr>().ok()?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most))?;
        Some(Whom::Network(address, bits))
    };
    if let Some(whom) = network(entry) {
        return Some((whom, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => (host, Some(port.parse().ok()?)),
        _ => (entry, None),
    };
    if let Some(whom) = network(host) {
        return Some((whom, port));
    }
    let domain = host.strip_prefix('*').unwrap_or(host).trim_matches('.').to_ascii_lowercase();
    // As the URL's own host is written, a name in other letters too.
    let domain = Url::parse(&format!("http://{domain}")).ok()?.host_str()?.to_owned();
    Some((Whom::Domain(domain), port))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let shifted = |bytes: u128, width: u32| bytes.checked_shr(width - u32::from(bits)).unwrap_or(0);
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            shifted(address.to_bits().into(), 32) == shifted(network.to_bits().into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            shifted(address.to_bits(), 128) == shifted(network.to_bits(), 128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies> {
        Proxies::of(None, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn chosen(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.on_the_way(&Url::parse(url).expect("an address")).map(|proxy| proxy.0.to_string())
    }

    #[test]
    fn the_variables_are_read_as_people_write_them() {
        let found =
            proxies(&[("HTTPS_PROXY", " http://p:1\n"), ("ALL_PROXY", "socks5h://s"), ("http_proxy", "")]);
        let found = found.expect("proxies");
        assert_eq!(chosen(&found, "https://api.example/x").as_deref(), Some("http://p:1/"));
        assert_eq!(chosen(&found, "http://api.example/x").as_deref(), Some("socks5h://s:1080/"));
        assert_eq!(chosen(&proxies(&[]).expect("none"), "https://api.example"), None);
        let cgi = proxies(&[("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET")]).expect("none");
        assert_eq!(chosen(&cgi, "http://api.example"), None);
        assert_eq!(
            parse("HTTP_PROXY", "proxy:3128").expect("without a scheme").0.as_str(),
            "http://proxy:3128/"
        );
        assert_eq!(parse("proxy", "socks5://[::1]").expect("an address").0.as_str(), "socks5://[::1]:1080/");
    }

    #[test]
    fn a_password_is_never_cut() {
        for (written, meant) in [
            ("p@ss", "p@ss"),
            ("a#b", "a#b"),
            ("a/b?c", "a/b?c"),
            ("50%", "50%"),
            ("with space", "with space"),
            ("p%40ss", "p@ss"),
            ("x:y", "x:y"),
            ("密码", "密码"),
        ] {
            let proxy = parse("proxy", &format!("http://user:{written}@proxy:3128")).expect(written);
            assert_eq!(proxy.0.host_str(), Some("proxy"), "{written}");
            let password = proxy.0.password().expect("a password");
            assert_eq!(percent_decode_str(password).decode_utf8_lossy(), meant, "{written}");
            assert!(!proxy.to_string().contains(password), "{proxy}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        for text in [
            "ftp://p",
            "http://",
            "http://u:secret@",
            "http://:secret@p",
            "http://u:secret@p/x",
            "http://p:99999",
        ] {
            let error = proxies(&[("HTTPS_PROXY", text)]).err().expect(text);
            assert!(error.message().starts_with("HTTPS_PROXY must be"), "{error}");
            assert!(!error.message().contains("secret"), "{error}");
        }
    }

    #[test]
    fn no_proxy_covers_what_it_says() {
        for (list, covered, not) in [
            (
                "example.org",
                "https://example.org http://a.b.example.org",
                "https://notexample.org https://org",
            ),
            (".example.org", "https://a.example.org", "https://notexample.org"),
            ("*.example.org", "https://a.example.org", "https://notexample.org"),
            ("EXAMPLE.org.", "https://a.Example.ORG.", "https://example.com"),
            ("a.org:8080", "http://a.org:8080", "http://a.org http://a.org:80"),
            ("a.org:443", "https://a.org", "http://a.org"),
            ("127.0.0.1", "http://127.0.0.1:99", "http://127.0.0.2 http://localhost"),
            ("10.0.0.0/8, ::1", "http://10.255.1.2 http://[::1]:9", "http://11.0.0.1 http://[::2]"),
            ("[fe80::]/10", "http://[fe80::1]", "http://[ff80::1]"),
            ("127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1:81"),
            ("[::1]:8080", "http://[::1]:8080", "http://[::1]"),
            ("0.0.0.0/0", "http://8.8.8.8", "http://a.org http://[::1]"),
            ("a.org b.org", "http://a.org http://b.org", "http://c.org"),
            ("*", "http://a.org http://[::1]", ""),
            ("10.0.0.0/33,:,a:b", "", "http://10.0.0.1 http://a"),
            ("例子.org", "http://例子.org", "http://org"),
        ] {
            let direct = Direct::parse(list);
            let covers = |url: &str| direct.covers(&Url::parse(url).expect("an address"));
            covered.split_whitespace().for_each(|url| assert!(covers(url), "{list}: {url}"));
            not.split_whitespace().for_each(|url| assert!(!covers(url), "{list}: {url}"));
        }
    }

    /// Many in `make test-long`.
    fn rounds(bounded: usize) -> usize {
        if env::var_os("BGE_TEST_LONG").is_some() { 100 * bounded } else { bounded }
    }

    #[test]
    fn any_password_arrives_as_it_is() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let letters: Vec<char> = "aZ09@:/?#[]% &=+;,.-_~!$'()*\"<>\\^`{|}密é😀".chars().collect();
        for round in 0..rounds(2000) {
            let mut any = |least: usize| -> String {
                (0..random.usize(least..9)).map(|_| letters[random.usize(..letters.len())]).collect()
            };
            let (user, password) = (any(1), any(0));
            let code = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
            // As it is, unless it could be read in another way; and percent-encoded, which never can.
            let is_plain = !user.contains([':', '%']) && !password.contains('%') && user == user.trim_start();
            let mut written = vec![format!("{}:{}", code(&user), code(&password))];
            written.extend(is_plain.then(|| format!("{user}:{password}")));
            for who in written {
                let told = format!("seed {seed}, round {round}: {who:?}");
                let proxy = parse("proxy", &format!("http://{who}@proxy:3128")).expect(&told);
                let meant = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
                assert_eq!(proxy.0.host_str(), Some("proxy"), "{told}");
                assert_eq!(meant(proxy.0.username()), user, "{told}");
                assert_eq!(meant(proxy.0.password().unwrap_or_default()), password, "{told}");
            }
        }
    }

    /// What an entry of a list covers, by labels and by digits of the addresses in base two.
    #[test]
    fn no_proxy_covers_what_any_spelling_says() {
        type Entry = (String, Box<dyn Fn(&[&str], Option<&str>, u16) -> bool>);

        fn domain(random: &mut fastrand::Rng) -> Vec<&'static str> {
            let labels = ["a", "b", "ab", "ba", "org", "xn--fsqu00a", "1a", "a-b"];
            (0..random.usize(1..4)).map(|_| labels[random.usize(..labels.len())]).chain(["org"]).collect()
        }
        // Close to one another, so that they often share a part.
        fn address(random: &mut fastrand::Rng) -> (IpAddr, String) {
            match random.bool() {
                true => {
                    let address = std::net::Ipv4Addr::from(0x0a00_0000 | random.u32(..) >> random.u32(8..32));
                    (address.into(), address.octets().iter().map(|byte| format!("{byte:08b}")).collect())
                }
                false => {
                    let low = random.u128(..) >> random.u32(8..128);
                    let address = std::net::Ipv6Addr::from(0xfd00_u128 << 112 | low);
                    (address.into(), address.segments().iter().map(|word| format!("{word:016b}")).collect())
                }
            }
        }
        fn with_port(host: String, is_v6: bool, port: Option<u16>) -> String {
            match port {
                Some(port) if is_v6 => format!("[{host}]:{port}"),
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        }
        fn entry(random: &mut fastrand::Rng) -> Entry {
            let port = random.bool().then(|| *random.choice(&[80, 443, 8080]).expect("one"));
            let fits = move |other: u16| port.is_none_or(|port| port == other);
            if random.bool() {
                let labels = domain(random);
                let before = *random.choice(&["", ".", "*."]).expect("one");
                let behind = if random.u8(..4) == 0 { "." } else { "" };
                let mut name = labels.join(".");
                if random.bool() {
                    name = name.to_ascii_uppercase();
                }
                let text = with_port(format!("{before}{name}{behind}"), false, port);
                return (
                    text,
                    Box::new(move |host, bits, other| {
                        bits.is_none() && host.ends_with(&labels) && fits(other)
                    }),
                );
            }
            let (ip, own) = address(random);
            if random.bool() {
                let most = random.usize(..=own.len());
                let network = own[..most].to_owned();
                let length = own.len();
                return (
                    format!("{ip}/{most}"),
                    Box::new(move |_, bits, _| {
                        bits.is_some_and(|bits| bits.len() == length && bits.starts_with(&network))
                    }),
                );
            }
            let text = with_port(ip.to_string(), ip.is_ipv6(), port);
            (text, Box::new(move |_, bits, other| bits == Some(own.as_str()) && fits(other)))
        }

        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut covered = 0;
        for round in 0..rounds(5000) {
            let entries: Vec<Entry> = (0..random.usize(1..4)).map(|_| entry(&mut random)).collect();
            let mut list = String::new();
            for (text, _) in &entries {
                let between = *random.choice(&[",", ", ", " ", " ,\t", ";"]).expect("one");
                list += &format!("{text}{between}");
            }
            let (host, labels, bits) = match random.bool() {
                true => {
                    let labels = domain(&mut random);
                    let dot = if random.u8(..4) == 0 { "." } else { "" };
                    (format!("{}{dot}", labels.join(".")), labels, None)
                }
                false => {
                    let (ip, bits) = address(&mut random);
                    let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
                    (host, Vec::new(), Some(bits))
                }
            };
            let (scheme, usual) = if random.bool() { ("http", 80) } else { ("https", 443) };
            let given = random.bool().then(|| *random.choice(&[80, 443, 8080]).expect("one"));
            let port = given.unwrap_or(usual);
            let url = format!("{scheme}://{host}{}/", given.map_or(String::new(), |port| format!(":{port}")));
            let wanted = entries.iter().any(|(_, covers)| covers(&labels, bits.as_deref(), port));
            let found = Direct::parse(&list).covers(&Url::parse(&url).expect("an address"));
            assert_eq!(found, wanted, "seed {seed}, round {round}: {list:?} and {url}");
            covered += usize::from(found);
        }
        assert!(covered > rounds(5000) / 50, "{covered}");
    }
}
