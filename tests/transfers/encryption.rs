//! Objects that are encrypted before they are sent: what the store and the disk see of them, and that nothing else comes back
//! than what was written.

use std::{fs, io::Write};

use aes::Aes256;
use base64::{Engine, engine::general_purpose::STANDARD};
use bge::ffi::version::*;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::Digest;

use crate::{
    content::{MIB, bytes, count, crc64, objects, open_uploads, put_signed, stored},
    handles::Transfers,
    kills::{command, outcome},
    support::{Folder, Sandbox, browser, c::Api, server::Server},
};

fn client(sandbox: &Sandbox, mut options: Value) -> Api {
    options["kms_endpoint"] = sandbox.text("/kms/endpoint").into();
    sandbox.api(options)
}

fn key(sandbox: &Sandbox) -> Value {
    json!({"cmk_id": sandbox.text("/kms/key_id")})
}

fn name(done: &Value) -> &str {
    done["object_name"].as_str().expect("a name")
}

/// The headers of an object as anybody gets them.
fn headers(sandbox: &Sandbox, object: &str) -> Value {
    let url =
        sandbox.api(json!({})).value("get_download_url", json!({"object_name": object})).expect("a URL");
    let answer = browser().get(url["url"].as_str().expect("a URL")).send().expect("an answer");
    let pairs = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(value.to_str().expect("a text"))));
    Value::Object(pairs.collect())
}

/// The key service, asked as its documentation says, with the key pair that needs no token.
fn kms(sandbox: &Sandbox, action: &str, own: &[(&str, &str)]) -> Value {
    let encoded = |text: &str| {
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
        utf8_percent_encode(text, KEPT).to_string()
    };
    let now = time::OffsetDateTime::now_utc();
    let (nonce, at) = (
        format!("{:x}", fastrand::u128(..)),
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            now.year(),
            u8::from(now.month()),
            now.day(),
            now.hour(),
            now.minute(),
            now.second()
        ),
    );
    let common = [
        ("Action", action),
        ("Version", "2016-01-20"),
        ("Format", "JSON"),
        ("AccessKeyId", sandbox.text("/kms/access_key_id")),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", &nonce),
        ("Timestamp", &at),
    ];
    let mut pairs: Vec<String> = common
        .iter()
        .chain(own)
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    pairs.sort();
    let query = pairs.join("&");
    let secret = format!("{}&", sandbox.text("/kms/access_key_secret"));
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("POST&%2F&{}", encoded(&query)).as_bytes());
    let signature = encoded(&STANDARD.encode(mac.finalize().into_bytes()));
    let url = format!("{}/?{query}&Signature={signature}", sandbox.text("/kms/endpoint"));
    let answer = browser().post(url).send().expect("an answer").text().expect("a text");
    serde_json::from_str(&answer).expect(&answer)
}

/// The plaintext data key of an object, in base64.
fn data_key(sandbox: &Sandbox, object: &str) -> String {
    let header =
        headers(sandbox, object)["x-oss-meta-client-side-encryption-key"].as_str().expect("it").to_owned();
    let blob = String::from_utf8(STANDARD.decode(header).expect("base64")).expect("base64 once more");
    let answer = kms(sandbox, "Decrypt", &[("CiphertextBlob", &blob)]);
    answer["Plaintext"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn encrypted(key: &[u8; 32], iv: [u8; 16], plain: &[u8]) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    Ctr128BE::<Aes256>::new(key.into(), &iv.into()).apply_keystream(&mut bytes);
    bytes
}

#[test]
fn the_store_sees_other_bytes_and_the_owner_his_own() {
    let sandbox = Sandbox::start(&[]);
    let api = client(&sandbox, json!({}));
    let folder = Folder::new("encryption");
    let content = bytes(1, 1_000_003);
    let path = folder.file("file.bin", &content);
    let mut parts = key(&sandbox);
    parts["multipart_threshold"] = 1.into();
    parts["part_size"] = 102_401.into();
    let writer = |filename: &str, args: Value| {
        let writer = api.writer(filename, args).expect("a writer");
        content.chunks(77_777).for_each(|piece| writer.write(piece).expect("room"));
        writer.finish().expect("an object")
    };
    let mut small = key(&sandbox);
    small["part_size"] = 102_400.into();
    let mut named = parts.clone();
    named["filename"] = "parts.bin".into();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for (what, done, count, has_hash) in [
        ("upload", api.upload("one.bin", &content, key(&sandbox)).expect("an upload"), 1, true),
        ("upload_file", api.upload_file(&path, named).expect("an upload"), 10, true),
        ("a writer of one part", writer("one-part.bin", key(&sandbox)), 1, true),
        ("a writer of parts", writer("many-parts.bin", small), 10, false),
        ("upload_dir", api.upload_dir(&folder.path(""), key(&sandbox)).expect("uploads")[0].clone(), 1, true),
        (
            "batch_upload",
            api.batch_upload(json!([{"path": path, "filename": "batch.bin"}]), parts).expect("uploads")[0]
                .clone(),
            10,
            true,
        ),
    ] {
        let kept = stored(&sandbox, name(&done)).expect("the object");
        assert_eq!(kept.len(), content.len(), "{what}");
        assert!(kept != content && !seen.contains(&kept), "{what}: each object has a key of its own");
        assert_eq!(
            (&done["encrypted"], &done["verified"], &done["parts"]),
            (&json!(true), &json!(true), &json!(count))
        );
        assert_eq!(done["crc64"], crc64(&kept), "{what}: the checksum is that of what is stored");
        let told = headers(&sandbox, name(&done));
        assert_eq!(told["x-oss-meta-client-side-encryption-cek-alg"], "AES/CTR/NoPadding");
        assert_eq!(told["x-oss-meta-client-side-encryption-wrap-alg"], "KMS/ALICLOUD");
        let hash: String = sha2::Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let wanted = if has_hash { json!(hash) } else { Value::Null };
        assert_eq!(told["x-oss-meta-bge-plaintext-sha256"], wanted, "{what}");

        for connections in [1, 4] {
            let down = folder.path("down.bin");
            let args = json!({"multipart_num_threads": connections});
            let got = api.download(name(&done), &down, args).expect(what);
            assert!(fs::read(&down).expect("the file") == content, "{what}");
            assert_eq!((&got["encrypted"], &got["verified"]), (&json!(true), &json!(true)), "{what}");
            let got = api.download(name(&done), &down, json!({"decrypt": false})).expect(what);
            assert!(fs::read(&down).expect("the file") == kept, "{what}");
            assert_eq!(got["encrypted"], true);
            fs::remove_file(&down).expect("the file");
        }
        seen.push(kept);
    }
    // What is not encrypted says nothing of it.
    let plain = api.upload("plain.bin", b"x", json!({})).expect("an upload");
    assert_eq!(plain.get("encrypted"), None);
    assert_eq!(api.download(name(&plain), &folder.path("x"), json!({})).expect("it").get("encrypted"), None);
    // An empty object, and the caller's own address.
    let empty = api.upload("empty.bin", b"", key(&sandbox)).expect("an upload");
    api.download(name(&empty), &folder.path("empty"), json!({})).expect("a download");
    assert_eq!(fs::read(folder.path("empty")).expect("the file"), b"");
    let object = api.upload("url.bin", &content, key(&sandbox)).expect("an upload");
    let url = api.value("get_download_url", json!({"object_name": name(&object)})).expect("a URL");
    api.download_file(url["url"].as_str().expect("a URL"), &folder.path("y"), json!({})).expect("a download");
    assert!(fs::read(folder.path("y")).expect("the file") == content);
}

#[test]
fn what_broke_goes_on_under_the_same_key() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("encryption");
    let content = bytes(2, 1_000_000);
    let path = folder.file("a.bin", &content);
    let mut args = key(&sandbox);
    args["multipart_threshold"] = 1.into();
    args["part_size"] = 102_400.into();
    args["multipart_num_threads"] = 1.into();
    args["checkpoint_dir"] = folder.path("checkpoints").into();
    args["$"] = json!({"max_retries": 0});
    let log = folder.path("log");
    let options = json!({"log": "debug", "log_file": log});
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
    client(&sandbox, options.clone()).upload_file(&path, args.clone()).expect_err("interrupted");
    sandbox.clear_faults();
    let state =
        fs::read_dir(folder.path("checkpoints")).expect("it").next().expect("one").expect("it").path();
    let state = fs::read_to_string(state).expect("a journal");
    sandbox.clear_log();
    let api = client(&sandbox, options.clone());
    let done = api.upload_file(&path, args.clone()).expect("the rest");
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6);
    assert_eq!(count(&sandbox.log(), "POST", "?uploads"), 0);
    api.download(name(&done), &folder.path("down.bin"), json!({})).expect("a download");
    assert!(fs::read(folder.path("down.bin")).expect("the file") == content);
    // The data key is in no file and no line.
    let plain = data_key(&sandbox, name(&done));
    let raw: String =
        STANDARD.decode(&plain).expect("base64").iter().map(|byte| format!("{byte:02x}")).collect();
    let log_text = fs::read_to_string(&log).expect("the log");
    assert!(state.contains("envelope") && !state.contains(&plain) && !state.contains(&raw));
    assert!(!log_text.is_empty() && !log_text.contains(&plain) && !log_text.contains(&raw));

    // A file that changed is never encrypted under that key: it begins anew.
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
    api.upload_file(&path, args.clone()).expect_err("interrupted");
    sandbox.clear_faults();
    let mut changed = content.clone();
    changed[5] ^= 1;
    fs::write(&path, &changed).expect("it");
    sandbox.clear_log();
    let again = api.upload_file(&path, args).expect("anew");
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 10);
    assert_ne!(data_key(&sandbox, name(&again)), plain);
    assert_eq!(open_uploads(&sandbox), 0);

    // A download, too, and in another process.
    let large = bytes(3, 20 * MIB);
    let done = api.upload("large.bin", &large, key(&sandbox)).expect("an upload");
    for connections in [1, 4] {
        sandbox.fault(json!({"method": "GET", "side": "store", "skip": 1 + connections / 4, "kind": "truncate", "bytes": 3 * MIB}));
        let down = folder.path("large.bin");
        let args = json!({"multipart_num_threads": connections, "$": {"max_retries": 0}});
        api.download(name(&done), &down, args.clone()).expect_err("interrupted");
        sandbox.clear_faults();
        let state = fs::read_to_string(format!("{down}.bge-part.state")).expect("a journal");
        assert!(!state.contains(&data_key(&sandbox, name(&done))));
        api.download(name(&done), &down, args).expect("the rest");
        assert!(fs::read(&down).expect("the file") == large);
        fs::remove_file(&down).expect("the file");
    }
}

#[test]
fn one_connection_is_enough() {
    let sandbox = Sandbox::start(&[]);
    let api = client(&sandbox, json!({"max_connections": 1, "deadline": 60}));
    let folder = Folder::new("encryption");
    let content = bytes(7, 9 * MIB);
    let done = api.upload("a.bin", &content, key(&sandbox)).expect("an upload");
    api.download(name(&done), &folder.path("a.bin"), json!({})).expect("a download");
    assert!(fs::read(folder.path("a.bin")).expect("the file") == content);
    for offset in [0, 9 * MIB - 100] {
        let reader = api.reader(name(&done), json!({"offset": offset})).expect("a reader");
        let (all, failure) = reader.rest(1 << 20);
        assert!(failure.is_none() && all == content[offset..], "{failure:?}");
    }
}

#[test]
fn flipped_bits_are_found_where_the_hash_is_there() {
    let sandbox = Sandbox::start(&[]);
    let api = client(&sandbox, json!({}));
    let folder = Folder::new("encryption");
    let content = bytes(4, 5_000);
    let done = api.upload("a.bin", &content, key(&sandbox)).expect("an upload");
    // The store's checksum would find it as well.
    sandbox.set(json!({"store": {"no_crc": true}}));
    for _ in 0..200 {
        let (offset, xor) = (fastrand::usize(..content.len()), fastrand::u8(1..));
        sandbox.fault(json!({"method": "GET", "side": "store", "count": 0, "kind": "corrupt", "offset": offset, "xor": xor}));
        let failure = api.download(name(&done), &folder.path("x"), json!({})).expect_err("flipped");
        assert_eq!(failure.status, BGE_ERR_INTEGRITY, "{offset} {xor}: {failure:?}");
        assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0);
        sandbox.clear_faults();
    }
}

#[test]
fn without_the_right_nothing_is_sent_and_nothing_comes() {
    let sandbox = Sandbox::start(&[]);
    let api = client(&sandbox, json!({}));
    let folder = Folder::new("encryption");
    for (id, code) in [
        (sandbox.text("/kms/disabled_key_id"), "Rejected.Disabled"),
        (sandbox.text("/kms/foreign_key_id"), "Forbidden.NoPermission"),
        ("no-such-key", "Forbidden.KeyNotFound"),
    ] {
        let failure = api.upload("a.bin", b"secret", json!({"cmk_id": id})).expect_err(code);
        assert_eq!(
            (failure.status, &failure.json["storage_code"]),
            (BGE_ERR_STORAGE, &json!(code)),
            "{failure:?}"
        );
        assert!(failure.request_id.is_some());
        if code == "Forbidden.NoPermission" {
            assert!(failure.message.contains("kms:GenerateDataKey"), "{}", failure.message);
        }
    }
    assert_eq!(objects(&sandbox).len(), 0);
    let done = api.upload("a.bin", b"secret", key(&sandbox)).expect("an upload");
    let path = folder.file("old.bin", b"what was there before");
    for (state, code) in [("disabled", "Rejected.Disabled"), ("foreign", "Forbidden.NoPermission")] {
        sandbox.key(sandbox.text("/kms/key_id"), state);
        let failure = api.download(name(&done), &path, json!({})).expect_err(code);
        assert_eq!(
            (failure.status, &failure.json["storage_code"]),
            (BGE_ERR_STORAGE, &json!(code)),
            "{failure:?}"
        );
        assert_eq!(fs::read(&path).expect("it"), b"what was there before");
        assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 1);
    }
    assert!(api.download(name(&done), &path, json!({})).expect_err("it").message.contains("kms:Decrypt"));
    for wrong in [json!({"cmk_id": ""}), json!({"cmk_id": 1})] {
        assert_eq!(api.upload("b.bin", b"x", wrong).expect_err("no key").status, BGE_ERR_ARGUMENT);
    }
}

#[test]
fn the_key_service_is_asked_again_when_that_helps() {
    let sandbox = Sandbox::start(&[]);
    let api = client(&sandbox, json!({}));
    let folder = Folder::new("encryption");
    let plan = |fault: Value| {
        let mut planned = json!({"side": "kms", "count": 1});
        planned.as_object_mut().expect("members").extend(fault.as_object().expect("members").clone());
        sandbox.fault(planned);
    };
    let round = |what: &str| {
        let done = api
            .upload("a.bin", b"secret", key(&sandbox))
            .unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
        let down = api.download(name(&done), &folder.path("x"), json!({}));
        down.unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
        assert_eq!(fs::read(folder.path("x")).expect("the file"), b"secret", "{what}");
    };
    for fault in [
        json!({"kind": "status", "status": 503}),
        json!({"kind": "reset"}),
        json!({"kind": "expired_sts"}),
        json!({"kind": "status", "status": 400, "xml": {"code": "SignatureNonceUsed"}}),
        json!({"kind": "status", "status": 400, "xml": {"code": "Throttling.User"}}),
    ] {
        plan(fault.clone());
        round(&fault.to_string());
        plan(json!({"skip": 2, "kind": "reset"}));
        round("at the second of the two");
        sandbox.clear_faults();
    }
    for skew in [7200, -7200] {
        sandbox.set(json!({"kms_clock_skew": skew}));
        round("another clock");
    }
    sandbox.set(json!({"kms_clock_skew": 0}));
    sandbox.expire("sts");
    round("expired credentials");

    // Credentials of the caller's own.
    let own = json!({
        "kms_access_key_id": sandbox.text("/kms/access_key_id"),
        "kms_access_key_secret": sandbox.text("/kms/access_key_secret"),
    });
    sandbox.clear_log();
    let api = client(&sandbox, own);
    let done = api.upload("own.bin", b"secret", key(&sandbox)).expect("an upload");
    api.download(name(&done), &folder.path("x"), json!({})).expect("a download");
    let asked = sandbox.log().into_iter().filter(|entry| entry["side"] == "kms").collect::<Vec<_>>();
    assert!(
        asked.len() == 4 && asked.iter().all(|entry| !entry.to_string().contains("SecurityToken")),
        "{asked:?}"
    );
    for wrong in [
        json!({"kms_access_key_id": "a"}),
        json!({"kms_access_key_secret": "b"}),
        json!({"kms_security_token": "c"}),
    ] {
        let refused = Api::new("token", &sandbox.options(wrong)).err().expect("half a pair");
        assert_eq!(refused.status, BGE_ERR_ARGUMENT);
    }
}

#[test]
fn objects_of_other_writers() {
    let sandbox = Sandbox::start(&[]);
    let api = client(&sandbox, json!({}));
    let folder = Folder::new("encryption");
    let plain = bytes(5, 9 * MIB + 7);
    let data_key: [u8; 32] = std::array::from_fn(|i| i as u8);
    let counter: u128 = 0x0011_2233_4455_6677_0000_0000_ffff_fffe;
    let content = encrypted(&data_key, counter.to_be_bytes(), &plain);
    let wrap = |text: &str| {
        let own = [("KeyId", sandbox.text("/kms/key_id")), ("Plaintext", text)];
        kms(&sandbox, "Encrypt", &own)["CiphertextBlob"].as_str().expect("a blob").to_owned()
    };
    let (blob, iv) = (wrap(&STANDARD.encode(data_key)), wrap(&STANDARD.encode(counter.to_be_bytes())));
    let digits = wrap(&STANDARD.encode(counter.to_string()));
    let new =
        |name: &str, value: &str| (format!("x-oss-meta-client-side-encryption-{name}"), value.to_owned());
    let old = |name: &str, value: &str| (format!("x-oss-meta-oss-{name}"), value.to_owned());
    for (dialect, meta) in [
        (
            1,
            vec![
                new("key", &STANDARD.encode(&blob)),
                new("start", &STANDARD.encode(&iv)),
                new("cek-alg", "AES/CTR/NoPadding"),
                new("wrap-alg", "KMS/ALICLOUD"),
            ],
        ),
        (
            2,
            vec![
                new("key", &blob),
                new("start", &iv),
                new("cek-alg", "AES/CTR/NoPadding"),
                new("wrap-alg", "KMS/ALICLOUD"),
            ],
        ),
        (
            3,
            vec![
                old("crypto-key", &blob),
                old("crypto-start", &digits),
                old("cek-alg", "AES/GCM/NoPadding"),
                old("wrap-alg", "kms"),
            ],
        ),
    ] {
        let object = put_signed(&sandbox, &api, &format!("{dialect}.bin"), &content, &meta);
        api.download(&object, &folder.path("x"), json!({}))
            .unwrap_or_else(|failure| panic!("{dialect}: {failure:?}"));
        assert!(fs::read(folder.path("x")).expect("the file") == plain, "{dialect}");
    }
    let foreign = [
        new("key", "a"),
        new("start", "b"),
        new("cek-alg", "AES/CTR/NoPadding"),
        new("wrap-alg", "RSA/NONE/PKCS1Padding"),
    ];
    let object = put_signed(&sandbox, &api, "rsa.bin", &content, &foreign);
    let failure = api.download(&object, &folder.path("rsa"), json!({})).expect_err("not known");
    assert_eq!(failure.status, BGE_ERR_UNSUPPORTED);
    assert!(failure.message.contains("RSA/NONE"), "{}", failure.message);
    assert_eq!(
        api.download(&object, &folder.path("rsa"), json!({"decrypt": false})).expect("as it is")["encrypted"],
        true
    );
}

/// A server that tells no version: an attempt may meet another object than the one before it, under another key.
#[test]
fn an_object_that_has_another_key_now_is_not_decrypted_with_the_one_before() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("encryption");
    let wrap = |text: &str| {
        let own = [("KeyId", sandbox.text("/kms/key_id")), ("Plaintext", text)];
        kms(&sandbox, "Encrypt", &own)["CiphertextBlob"].as_str().expect("a blob").to_owned()
    };
    let plain = [bytes(6, MIB), bytes(7, MIB)];
    let objects: Vec<(String, Vec<u8>)> = [0u8, 1]
        .into_iter()
        .map(|n| {
            let (key, iv): ([u8; 32], [u8; 16]) = ([n + 1; 32], [n; 16]);
            let prefix = "x-oss-meta-client-side-encryption-";
            let headers = format!(
                "{prefix}key: {}\r\n{prefix}start: {}\r\n{prefix}cek-alg: AES/CTR/NoPadding\r\n{prefix}wrap-alg: \
                 KMS/ALICLOUD\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                wrap(&STANDARD.encode(key)),
                wrap(&STANDARD.encode(iv)),
                MIB
            );
            (headers, encrypted(&key, iv, &plain[usize::from(n)]))
        })
        .collect();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_, stream| {
        // Asked for twice, since the key service is asked between; then another one is in its place.
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (headers, content) = &objects[usize::from(number > 1)];
        let end = if number > 1 { MIB } else { MIB / 2 };
        let head = format!("HTTP/1.1 200 OK\r\n{headers}");
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&content[..end]));
        false
    });
    let api = client(&sandbox, json!({}));
    let url = format!("{}/a.bin", server.endpoint());
    api.download_file(&url, &folder.path("a.bin"), json!({})).expect("the one that is there now");
    assert!(fs::read(folder.path("a.bin")).expect("the file") == plain[1]);
}

#[test]
fn a_process_that_is_killed_loses_nothing() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("encryption");
    let content = bytes(6, 4 * MIB);
    let path = folder.file("a.bin", &content);
    sandbox.fault(
        json!({"query": "*partNumber=*", "count": 0, "kind": "delay_headers", "ms": 25, "after_work": true}),
    );
    let options = json!({"kms_endpoint": sandbox.text("/kms/endpoint")});
    let mut args = key(&sandbox);
    args["path"] = path.into();
    args["multipart_threshold"] = 1.into();
    args["part_size"] = 102_400.into();
    args["checkpoint_dir"] = folder.path("checkpoints").into();
    for _ in 0..3 {
        let mut child = command(&sandbox, "upload_file", &args, None, &options).spawn().expect("a process");
        std::thread::sleep(std::time::Duration::from_millis(fastrand::u64(50..400)));
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        let done = outcome(&mut command(&sandbox, "upload_file", &args, None, &options)).expect("an upload");
        let down = json!({"object_name": done["object_name"], "path": folder.path("down.bin")});
        outcome(&mut command(&sandbox, "download", &down, None, &options)).expect("a download");
        assert!(fs::read(folder.path("down.bin")).expect("the file") == content);
    }
}
