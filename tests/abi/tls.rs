//! TLS with a throw-away certificate authority: good, unknown, for another name, expired.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use crate::support::{Folder, Sandbox, c::Api, count, example};

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).expect("a certificate").pem();
    Authority { pem, issuer: Issuer::new(params, key) }
}

/// A server that answers every request with an empty success, and counts those that got through.
fn serve(authority: &Authority, name: &str, expired: bool) -> (u16, Arc<AtomicUsize>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let certificate = params.signed_by(&key, &authority.issuer).expect("a certificate");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, socket);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                counted.fetch_add(1, Ordering::SeqCst);
                let body = r#"{"code":0,"data":{}}"#;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (port, requests)
}

#[test]
fn certificates_are_checked() {
    let folder = Folder::new("tls");
    let (known, unknown) = (authority("known"), authority("unknown"));
    let ca_file = folder.file("ca.pem", known.pem.as_bytes());
    let call = |port: u16, options: serde_json::Value| {
        let mut options = options;
        options["endpoint"] = format!("https://localhost:{port}").into();
        Api::new("token", &options.to_string()).expect("a client").call("get_user", json!({}))
    };

    let (port, requests) = serve(&known, "localhost", false);
    assert_eq!(call(port, json!({"ca_file": ca_file})).expect("good"), "{}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);

    let second = serve(&known, "localhost", false);
    for (bad, part) in [
        (serve(&unknown, "localhost", false), "ca_file"),
        (serve(&known, "elsewhere.example", false), "another name"),
        (serve(&known, "localhost", true), "expired"),
    ] {
        let fallback = format!("https://localhost:{}", second.0);
        let failure =
            call(bad.0, json!({"ca_file": ca_file, "fallback_endpoint": fallback})).expect_err(part);
        assert_eq!((failure.status, failure.retryable), (2, false), "{}", failure.message);
        assert!(failure.message.contains(part), "{part}: {}", failure.message);
        assert_eq!(bad.1.load(Ordering::SeqCst), 0, "no request got through");
    }
    assert_eq!(second.1.load(Ordering::SeqCst), 0, "no second address after a TLS failure");

    let without = call(port, json!({"max_retries": 0})).expect_err("nobody knows the authority");
    assert!(without.message.contains("ca_file"), "{}", without.message);
    assert!(without.message.contains("certificates of "), "{}", without.message);
}

#[test]
fn the_environments_certificates_are_honoured_and_none_at_all_will_do_for_plain_http() {
    let folder = Folder::new("ssl-cert-file");
    let known = authority("known");
    let (port, _) = serve(&known, "localhost", false);
    let call = |endpoint: &str, certificates: &str| {
        let output = std::process::Command::new(example())
            .env_clear()
            .envs([
                ("BGE_ACCESS_TOKEN", "token"),
                ("BGE_ENDPOINT", endpoint),
                ("SSL_CERT_FILE", certificates),
            ])
            .args(["get_user", r#"{"$": {"max_retries": 0}}"#])
            .output()
            .expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let endpoint = format!("https://localhost:{port}");
    assert_eq!(call(&endpoint, &folder.file("ca.pem", known.pem.as_bytes())), (Some(0), String::new()));
    for (certificates, wrong) in
        [(folder.file("empty.pem", b""), "SSL_CERT_FILE"), (folder.path("missing.pem"), "SSL_CERT_FILE")]
    {
        let (status, told) = call(&endpoint, &certificates);
        assert!(status == Some(2) && told.contains(&format!("{wrong} ({certificates})")), "{told}");
    }
    // Others than those are not trusted in their place, and those that are get named.
    let others = folder.file("others.pem", authority("others").pem.as_bytes());
    let (status, told) = call(&endpoint, &others);
    let named = format!("1 certificate of SSL_CERT_FILE ({others})");
    assert!(status == Some(2) && told.contains(&named) && told.contains("ca_file"), "{told}");
    let sandbox = Sandbox::start(&[]);
    let (status, told) = call(sandbox.endpoint(), &folder.file("empty.pem", b""));
    assert!(status == Some(6) && told.contains("403"), "the platform was reached: {told}");
}

/// Certificates among one another and among what tools write beside them, cut off anywhere: who is whole in the file is
/// trusted, and nobody else takes their place.
#[test]
fn a_bundle_of_any_order_is_trusted_as_far_as_it_goes() {
    let folder = Folder::new("bundle");
    let all: Vec<Authority> = ["one", "two", "three"].into_iter().map(authority).collect();
    let servers: Vec<u16> = all.iter().map(|authority| serve(authority, "localhost", false).0).collect();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..count(4, 200) {
        let end = *random.choice(&["\n", "\r\n"]).expect("one");
        let mut text = String::from(*random.choice(&["", "\u{feff}", "# roots\n\n"]).expect("one"));
        let mut order: Vec<usize> = (0..all.len()).filter(|_| random.u8(..4) > 0).collect();
        random.shuffle(&mut order);
        let mut whole: Vec<(usize, usize)> = Vec::new();
        for one in &order {
            text += *random
                .choice(&["", "\n", "Subject: CN = 样 authority\n        Validity\n", "=====\n"])
                .expect("one");
            text += &all[*one].pem;
            whole.push((*one, text.replace('\n', end).trim_end().len()));
        }
        let mut bytes = text.replace('\n', end).into_bytes();
        let is_cut = random.bool();
        if is_cut {
            bytes.truncate(random.usize(..=bytes.len()));
        }
        let trusted: Vec<usize> =
            whole.iter().filter(|(_, end)| *end <= bytes.len()).map(|(one, _)| *one).collect();
        let told = format!("seed {seed}, round {round}: {trusted:?} of {order:?}, {} bytes", bytes.len());
        let ca_file = folder.file("ca.pem", &bytes);
        for (one, port) in servers.iter().enumerate() {
            let options = json!({
                "endpoint": format!("https://localhost:{port}"), "ca_file": ca_file, "max_retries": 0,
            });
            let outcome =
                Api::new("token", &options.to_string()).and_then(|api| api.call("get_user", json!({})));
            match outcome {
                Ok(_) => assert!(trusted.contains(&one), "{told}: {one} is trusted"),
                // A file that ends within a certificate may be refused as a whole.
                Err(failure) if failure.status == 1 => {
                    let may_be = is_cut || trusted.is_empty();
                    assert!(may_be && failure.message.contains("ca_file"), "{told}: {}", failure.message);
                }
                Err(failure) => {
                    assert_eq!(failure.status, 2, "{told}: {}", failure.message);
                    assert!(!trusted.contains(&one), "{told}: {one} is not trusted: {}", failure.message);
                    assert!(failure.message.contains("ca_file"), "{told}: {}", failure.message);
                }
            }
        }
    }
}

#[test]
fn a_ca_file_must_hold_certificates() {
    let folder = Folder::new("ca");
    for path in [folder.path("missing.pem"), folder.file("empty.pem", b""), folder.file("not.pem", b"hello")]
    {
        let options = json!({"ca_file": path}).to_string();
        let failure = Api::new("token", &options).err().expect("refused");
        assert!(failure.status == 1 && failure.message.contains("ca_file"), "{}", failure.message);
    }
}
