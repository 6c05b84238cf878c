//! Bytes to transfer, their checksum by another way, and what the store really has.

use serde_json::{Value, json};

pub use crate::support::eventually;
use crate::support::{Sandbox, browser};

/// Bytes that differ from place to place, the same for the same seed.
pub fn bytes(seed: u64, size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; size];
    random.fill(&mut bytes);
    bytes
}

/// CRC-64/XZ, byte by byte from a table made of the polynomial.
pub fn crc64(bytes: &[u8]) -> String {
    let table: Vec<u64> = (0..256u64)
        .map(|byte| {
            (0..8).fold(byte, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xC96C_5795_D787_0F42 } else { crc >> 1 })
        })
        .collect();
    let crc = bytes.iter().fold(!0u64, |crc, byte| crc >> 8 ^ table[usize::from(crc as u8 ^ byte)]);
    (!crc).to_string()
}

/// A line of a journal: its CRC-32, bit by bit, and the record.
pub fn journal_line(record: &Value) -> String {
    let json = record.to_string();
    let crc = json.bytes().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    });
    format!("{:08x} {json}\n", !crc)
}

/// The records of a journal.
pub fn journal(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let record = |line: &str| serde_json::from_str(line.get(9..)?).ok();
    text.lines().filter_map(record).collect()
}

/// The object as any other client gets it.
pub fn stored(sandbox: &Sandbox, object: &str) -> Option<Vec<u8>> {
    let api = sandbox.api(json!({}));
    let url = api.value("get_download_url", json!({"object_name": object})).expect("a URL");
    let answer = browser().get(url["url"].as_str().expect("a URL")).send().expect("an answer");
    match answer.status().as_u16() {
        200 => Some(answer.bytes().expect("the object").to_vec()),
        404 => None,
        other => panic!("{other}"),
    }
}

/// The names of the objects that the store has below its destinations.
pub fn objects(sandbox: &Sandbox) -> Vec<String> {
    let state = sandbox.state();
    let objects = state["objects"].as_array().expect("objects");
    objects.iter().map(|object| object["name"].as_str().expect("a name").to_owned()).collect()
}

/// Multipart uploads that are open on the store.
pub fn open_uploads(sandbox: &Sandbox) -> usize {
    sandbox.state()["uploads"].as_array().expect("uploads").len()
}

/// The log's requests of one side, as `METHOD last-component[?query]`.
pub fn told(log: &[Value], side: &str) -> Vec<String> {
    let of_side = log.iter().filter(|entry| entry["side"] == side);
    of_side
        .map(|entry| {
            let path = entry["path"].as_str().expect("a path");
            let last = path.rsplit(['/', 'F']).next().unwrap_or_default();
            let query: Vec<String> = entry["query_pairs"]
                .as_array()
                .expect("pairs")
                .iter()
                .filter(|pair| pair[0] == "partNumber" || pair[0] == "uploads")
                .map(|pair| format!("{}{}", pair[0].as_str().unwrap_or(""), pair[1].as_str().unwrap_or("")))
                .collect();
            format!("{} {last} {}", entry["method"].as_str().expect("a method"), query.join("&"))
                .trim()
                .to_owned()
        })
        .collect()
}

/// How many of the log's requests are of this kind, such as `("PUT", "partNumber")`.
pub fn count(log: &[Value], method: &str, part: &str) -> usize {
    let is_one = |entry: &&Value| {
        let target =
            format!("{}?{}", entry["path"].as_str().unwrap_or(""), entry["query_raw"].as_str().unwrap_or(""));
        entry["method"] == method && target.contains(part)
    };
    log.iter().filter(is_one).count()
}

/// A header of a logged request.
pub fn header<'a>(entry: &'a Value, name: &str) -> Option<&'a str> {
    let headers = entry["headers"].as_object()?;
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
}

pub const KIB: usize = 1024;
pub const MIB: usize = 1024 * 1024;

/// Takes an object away, signed as the store's documentation says.
pub fn delete(sandbox: &Sandbox, api: &crate::support::c::Api, object: &str) {
    assert_eq!(signed(sandbox, api, "DELETE", object, Vec::new(), &[]), 204);
}

/// Writes an object with what is told of it, as another program would; gives its name.
pub fn put_signed(
    sandbox: &Sandbox,
    api: &crate::support::c::Api,
    filename: &str,
    content: &[u8],
    meta: &[(String, String)],
) -> String {
    let token = api.value("get_upload_token", json!({})).expect("a token");
    let object = format!("{}/{filename}", token["destination"].as_str().expect("a destination"));
    assert_eq!(signed(sandbox, api, "PUT", &object, content.to_vec(), meta), 200);
    object
}

fn signed(
    sandbox: &Sandbox,
    api: &crate::support::c::Api,
    method: &str,
    object: &str,
    content: Vec<u8>,
    meta: &[(String, String)],
) -> u16 {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit, Mac};

    let token = api.value("get_upload_token", json!({})).expect("a token");
    let credentials = &token["credentials"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let mut told = meta.to_vec();
    told.push(("x-oss-security-token".into(), text(&credentials["security_token"])));
    told.sort();
    let lines: String = told.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let bucket = text(&token["bucket"]);
    let line = format!("{method}\n\n\n{date}\n{lines}/{bucket}/{object}");
    let secret = text(&credentials["access_key_secret"]);
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(line.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let store = sandbox.state()["store_endpoint"].as_str().expect("an address").to_owned();
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = browser()
        .request(method, format!("{store}/{bucket}/{object}"))
        .header("Date", date)
        .header("Authorization", format!("OSS {}:{signature}", text(&credentials["access_key_id"])));
    for (name, value) in told {
        request = request.header(name, value);
    }
    request.body(content).send().expect("an answer").status().as_u16()
}
