//! Proxies: tunnels that are refused, SOCKS, whom none is for, and names that nobody finds.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    Folder, Sandbox,
    c::Api,
    count, example,
    server::{Server, answer, good},
};

/// A client of an https address that only the proxy could know.
fn behind(proxy: &str, max_retries: u32) -> Api {
    let options = json!({"endpoint": "https://platform.invalid", "proxy": proxy, "max_retries": max_retries});
    Api::new("token", &options.to_string()).expect("a client")
}

fn both(api: &Api) -> [Result<String, crate::support::c::Failure>; 2] {
    [api.call("get_user", json!({})), api.start("get_user", json!({})).expect("started").finish()]
}

#[test]
fn a_proxy_that_cannot_connect_is_asked_again_and_named() {
    for status in [502, 503, 504] {
        let proxy = Server::start(move |_, stream| answer(stream, status, "", b"<html>later</html>"));
        for failure in both(&behind(&proxy.endpoint(), 1)).map(|outcome| outcome.expect_err("no tunnel")) {
            assert_eq!((failure.status, failure.retryable), (2, true), "{}", failure.message);
            let named = format!("the proxy {}", proxy.endpoint());
            assert!(failure.message.contains(&named), "{}", failure.message);
            assert!(failure.message.contains(&status.to_string()), "{}", failure.message);
        }
        assert!(proxy.seen().len() >= 4, "asked again");
        assert!(proxy.seen().iter().all(|seen| seen.method == "CONNECT"));
    }
}

#[test]
fn a_proxy_that_wants_a_password_is_final_and_says_so() {
    let proxy = Server::start(|_, stream| {
        answer(stream, 407, "Proxy-Authenticate: Basic realm=\"the lab\"\r\n", b"")
    });
    for (userinfo, asked) in [("", "needs user and password"), ("me:wr#ng@", "does not take this user")] {
        let address = format!("http://{userinfo}127.0.0.1:{}", proxy.port);
        for https in [true, false] {
            proxy.seen().clear();
            let begun = Instant::now();
            let options = json!({"endpoint": if https { "https://a.invalid" } else { "http://a.invalid" }, "proxy": address});
            let api = Api::new("token", &options.to_string()).expect("a client");
            for failure in both(&api).map(|outcome| outcome.expect_err("no password")) {
                assert_eq!((failure.status, failure.retryable), (2, false), "{}", failure.message);
                assert_eq!(failure.http_status, 407);
                for part in [asked, "Basic realm=\"the lab\"", "HTTPS_PROXY"] {
                    assert!(failure.message.contains(part), "{part}: {}", failure.message);
                }
                assert!(!failure.message.contains("wr#ng"), "{}", failure.message);
            }
            assert!(begun.elapsed() < Duration::from_secs(8));
            assert!(proxy.seen().len() <= 4, "it is final");
            if !userinfo.is_empty() {
                // "me:wr#ng"
                let sent = proxy.seen()[0].header("proxy-authorization").map(str::to_owned);
                assert_eq!(sent.as_deref(), Some("Basic bWU6d3Ijbmc="));
            }
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_final() {
    let proxy = Server::start(|_, stream| answer(stream, 403, "", b""));
    for failure in both(&behind(&proxy.endpoint(), 5)).map(|outcome| outcome.expect_err("refused")) {
        assert_eq!((failure.status, failure.retryable), (2, false), "{}", failure.message);
        assert!(
            failure.message.contains("refuses connections to https://platform.invalid"),
            "{}",
            failure.message
        );
    }
}

/// A SOCKS5 proxy that leads every name to `port` here. Tells who came, and where to.
fn socks(port: u16, password: Option<&'static str>) -> (u16, mpsc::Receiver<String>) {
    fn exact(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).map(|()| bytes)
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = listener.local_addr().expect("an address").port();
    let (told, tells) = mpsc::channel();
    let serve = move |mut stream: TcpStream, told: mpsc::Sender<String>| -> io::Result<()> {
        let methods = exact(&mut stream, 2)?[1].into();
        exact(&mut stream, methods)?;
        stream.write_all(&[5, if password.is_some() { 2 } else { 0 }])?;
        if let Some(password) = password {
            let user = exact(&mut stream, 2)?[1].into();
            exact(&mut stream, user)?;
            let length = exact(&mut stream, 1)?[0].into();
            let is_right = exact(&mut stream, length)? == password.as_bytes();
            stream.write_all(&[1, u8::from(!is_right)])?;
            if !is_right {
                return Ok(());
            }
        }
        let target = match exact(&mut stream, 4)?[3] {
            3 => {
                let length = exact(&mut stream, 1)?[0].into();
                String::from_utf8_lossy(&exact(&mut stream, length)?).into_owned()
            }
            _ => exact(&mut stream, 4)?.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        };
        exact(&mut stream, 2)?;
        let _ = told.send(target);
        let mut there = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        let (mut back, mut from) = (stream.try_clone()?, there.try_clone()?);
        std::thread::spawn(move || io::copy(&mut from, &mut back));
        io::copy(&mut stream, &mut there).map(|_| ())
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            std::thread::spawn(move || serve(stream, told));
        }
    });
    (here, tells)
}

#[test]
fn socks_is_spoken() {
    let sandbox = Sandbox::start(&[]);
    let port = sandbox.endpoint().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    for (scheme, user, password, host, told) in [
        ("socks5h", "", None, "platform.invalid", "platform.invalid"),
        ("socks5h", "me:p@ss%20w#rd@", Some("p@ss w#rd"), "platform.invalid", "platform.invalid"),
        ("socks5", "", None, "localhost", "127.0.0.1"),
    ] {
        let (here, tells) = socks(port, password);
        let options = json!({"endpoint": format!("http://{host}"), "proxy": format!("{scheme}://{user}127.0.0.1:{here}")});
        let api = Api::new(sandbox.text("/access_token"), &options.to_string()).expect("a client");
        for outcome in both(&api) {
            outcome.expect("a user");
        }
        assert_eq!(tells.recv().as_deref(), Ok(told));
    }
    let (here, _tells) = socks(port, Some("right"));
    for failure in both(&behind(&format!("socks5h://me:wrong@127.0.0.1:{here}"), 3))
        .map(|outcome| outcome.expect_err("wrong"))
    {
        assert_eq!((failure.status, failure.retryable), (2, false), "{}", failure.message);
        assert!(failure.message.contains("the proxy socks5h://127.0.0.1"), "{}", failure.message);
    }
}

/// Runs the example in an environment of its own.
fn run(endpoint: &str, variables: &[(&str, &str)], args: &str) -> (Option<i32>, String) {
    let mut command = Command::new(example());
    command.env_clear().envs([("BGE_ACCESS_TOKEN", "token"), ("BGE_ENDPOINT", endpoint)]);
    let output = command.envs(variables.iter().copied()).args(["get_user", args]).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_environment_names_proxies_and_those_who_need_none() {
    let server = Server::start(|_, stream| good(stream));
    let (here, tells) = socks(server.port, None);
    let all = format!("socks5h://127.0.0.1:{here}");
    let wanted = (Some(0), String::new());
    assert_eq!(run("http://platform.invalid", &[("ALL_PROXY", &all)], "{}"), wanted);
    assert_eq!(tells.recv().as_deref(), Ok("platform.invalid"));

    let direct = format!("http://127.0.0.1:{}", server.port);
    let proxy = Server::start(|_, stream| answer(stream, 502, "", b""));
    let address = proxy.endpoint();
    let port = format!("127.0.0.1:{}", server.port);
    for list in ["127.0.0.1", "*", "10.0.0.0/8, 127.0.0.0/8", &port] {
        let variables = [("HTTP_PROXY", address.as_str()), ("NO_PROXY", list)];
        assert_eq!(run(&direct, &variables, "{}"), wanted, "{list}");
    }
    assert!(proxy.seen().is_empty());
    let variables = [("http_proxy", address.as_str()), ("no_proxy", "127.0.0.1:1,example.org")];
    assert_eq!(run(&direct, &variables, r#"{"$": {"max_retries": 0}}"#).0, Some(4));
    assert_eq!(proxy.seen().len(), 1);

    let (status, told) = run(&direct, &[("HTTP_PROXY", "gopher://me:secret@p")], "{}");
    assert!(status == Some(1) && told.contains("HTTP_PROXY") && !told.contains("secret"), "{told}");
}

/// A client of an http address that only the proxy could know.
fn plainly_behind(proxy: &str) -> Api {
    let options = json!({"endpoint": "http://platform.invalid", "proxy": proxy, "max_retries": 0});
    Api::new("token", &options.to_string()).expect("a client")
}

#[test]
fn a_failure_of_the_proxys_own_is_not_the_platforms() {
    let envelope = r#"{"code": 50001, "msg": "busy"}"#;
    for (status, headers, body, own, told) in [
        (502, "X-Squid-Error: ERR_CONNECT_FAIL 111\r\n", "", true, "ERR_CONNECT_FAIL 111"),
        (503, "Proxy-Status: p; error=dns_error\r\n", "", true, "dns_error"),
        (504, "Proxy-Agent: lab\r\n", "", true, "it says 504"),
        (502, "Via: 1.1 x\r\n", "<p>Generated by 127.0.0.1 (squid)</p>", true, "it says 502"),
        (504, "", "<h1>Gateway Timeout</h1>", false, "the answer came through the proxy http://127.0.0.1"),
        (502, "X-Request-Id: id-7\r\n", "<h1>Bad Gateway</h1>", false, "refused"),
        (503, "", envelope, false, "busy"),
    ] {
        let proxy = Server::start(move |_, stream| answer(stream, status, headers, body.as_bytes()));
        for outcome in both(&plainly_behind(&proxy.endpoint())) {
            let failure = outcome.expect_err("it failed");
            assert_eq!(failure.status == 2, own, "{headers}{body}: {}", failure.message);
            assert!(failure.message.contains(told), "{headers}{body}: {}", failure.message);
            assert_eq!(failure.http_status, i32::from(status), "{}", failure.message);
            let is_named = failure.message.contains(&format!("the proxy {}", proxy.endpoint()));
            assert_eq!(is_named, own || told.contains("proxy"), "{}", failure.message);
            assert!(failure.retryable, "{}", failure.message);
        }
    }
    // What it forbids it forbids for good.
    let proxy = Server::start(|_, stream| answer(stream, 403, "X-Squid-Error: ERR_ACCESS_DENIED 0\r\n", b""));
    for failure in both(&plainly_behind(&proxy.endpoint())).map(|outcome| outcome.expect_err("refused")) {
        assert_eq!((failure.status, failure.retryable), (2, false), "{}", failure.message);
        assert!(
            failure.message.contains("refuses connections to http://platform.invalid"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn what_the_proxy_did_not_send_on_is_sent_again() {
    let asked = AtomicUsize::new(0);
    let proxy = Server::start(move |_, stream| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer(stream, 503, "X-Squid-Error: ERR_CONNECT_FAIL 111\r\n", b""),
        1 => answer(stream, 502, "X-Squid-Error: ERR_READ_ERROR 104\r\n", b""),
        _ => good(stream),
    });
    let options = json!({"endpoint": "http://platform.invalid", "proxy": proxy.endpoint()});
    let api = Api::new("token", &options.to_string()).expect("a client");
    // A write: after the second answer nobody knows whether it was done.
    let args = json!({"external_sample_id": "x", "biosample_site": 1, "project_id": "p"});
    let failure = api.call("register_sample", args).expect_err("the second answer");
    assert!(failure.message.contains("ERR_READ_ERROR"), "{}", failure.message);
    assert_eq!(proxy.seen().len(), 2);
}

#[test]
fn a_proxy_that_is_spoken_to_over_tls_gives_its_reason_too() {
    let folder = Folder::new("proxies");
    for (head, told, retryable) in [
        ("HTTP/1.1 403 No\r\n\r\n", "refuses connections to https://platform.invalid", false),
        ("HTTP/1.1 503 Busy\r\n\r\n", "it says 503", true),
        (
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"the lab\"\r\n\r\n",
            "Basic realm=\"the lab\"",
            false,
        ),
    ] {
        let (port, pem) = tls_proxy(head);
        let options = json!({
            "endpoint": "https://platform.invalid",
            "proxy": format!("https://localhost:{port}"),
            "ca_file": folder.file("ca.pem", pem.as_bytes()),
            "max_retries": 0,
        });
        let api = Api::new("token", &options.to_string()).expect("a client");
        for failure in both(&api).map(|outcome| outcome.expect_err("refused")) {
            assert_eq!((failure.status, failure.retryable), (2, retryable), "{}", failure.message);
            assert!(failure.message.contains(told), "{}", failure.message);
            assert!(
                failure.message.contains(&format!("the proxy https://localhost:{port}")),
                "{}",
                failure.message
            );
        }
    }
}

/// A proxy behind TLS that says the same to everybody; and the certificate to trust.
fn tls_proxy(head: &'static str) -> (u16, String) {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("a certificate");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map(Arc::new)
            .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, socket);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                let _ = stream.write_all(head.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (port, certificate.pem())
}

/// A proxy that lets a call through, or does not, or breaks off anywhere: by the next attempts the call comes through.
#[test]
fn a_proxy_that_breaks_off_at_any_moment() {
    for _ in 0..count(3, 150) {
        let troubles = fastrand::usize(1..4);
        let asked = AtomicUsize::new(0);
        let proxy = Server::start(move |_, stream| {
            if asked.fetch_add(1, Ordering::SeqCst) >= troubles {
                return good(stream);
            }
            let status = *fastrand::choice(&[502, 503, 504]).expect("one");
            let whole = format!(
                "HTTP/1.1 {status} X\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\nContent-Length: 4\r\n\r\nsoon"
            );
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..200)));
            let _ = stream.write_all(&whole.as_bytes()[..fastrand::usize(0..=whole.len())]);
            false
        });
        let options = json!({"endpoint": "http://platform.invalid", "proxy": proxy.endpoint()});
        let api = Api::new("token", &options.to_string()).expect("a client");
        let outcome = match fastrand::bool() {
            true => api.call("get_user", json!({})),
            false => api.start("get_user", json!({})).expect("started").finish(),
        };
        outcome.unwrap_or_else(|failure| panic!("{troubles}: {}", failure.message));
        assert_eq!(proxy.seen().len(), troubles + 1);
    }
}

/// Leads to `port`. Of what comes back to the first connections only so many bytes arrive.
fn breaking(port: u16, arrive: Vec<u64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut arrive = arrive.into_iter();
        for mut stream in listener.incoming().flatten() {
            let Ok(mut there) = TcpStream::connect(("127.0.0.1", port)) else { return };
            let (Ok(from), Ok(mut back)) = (there.try_clone(), stream.try_clone()) else { return };
            let most = arrive.next().unwrap_or(u64::MAX);
            std::thread::spawn(move || {
                let _ = io::copy(&mut from.take(most), &mut back);
                let _ = back.shutdown(std::net::Shutdown::Both);
            });
            std::thread::spawn(move || io::copy(&mut stream, &mut there));
        }
    });
    here
}

#[test]
fn a_socks_proxy_that_breaks_off_at_any_moment() {
    let sandbox = Sandbox::start(&[]);
    let port = sandbox.endpoint().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    for _ in 0..count(3, 150) {
        let password = fastrand::bool().then_some("secret");
        // 2 bytes, 2 for the password, 10, and then the answer's head.
        let arrive: Vec<u64> = (0..fastrand::usize(1..4)).map(|_| fastrand::u64(0..40)).collect();
        let (socks, _told) = socks(port, password);
        let here = breaking(socks, arrive.clone());
        let user = if password.is_some() { "me:secret@" } else { "" };
        let options = json!({"endpoint": "http://platform.invalid", "proxy": format!("socks5h://{user}127.0.0.1:{here}")});
        let api = Api::new(sandbox.text("/access_token"), &options.to_string()).expect("a client");
        let outcome = match fastrand::bool() {
            true => api.call("get_user", json!({})),
            false => api.start("get_user", json!({})).expect("started").finish(),
        };
        outcome.unwrap_or_else(|failure| panic!("{user}, {arrive:?}: {}", failure.message));
    }
}
