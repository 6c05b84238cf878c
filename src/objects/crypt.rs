//! Client-side encryption as the platform's SDK has it: AES-256 in counter mode under a data key of the object's own, which
//! lies beside it wrapped by the key service. It hides content and does not prove it; only the plaintext's hash does.

use std::{io, sync::Arc};

use aes::Aes256;
use base64::{Engine, engine::general_purpose::STANDARD};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher, StreamCipherSeek},
};
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{content::Content, kms::KeyService, sign::hex};
use crate::{
    context::blocking,
    error::{Error, Result, Status},
    transport::CHUNK,
};

const PREFIX: &str = "x-oss-meta-client-side-encryption-";
const OLD_PREFIX: &str = "x-oss-meta-oss-";
const PLAINTEXT: &str = "x-oss-meta-bge-plaintext-sha256";

const WRAP: &str = "KMS/ALICLOUD";
const CIPHER: &str = "AES/CTR/NoPadding";
/// Old writers say this and mean counter mode all the same.
const OLD_CIPHER: &str = "AES/GCM/NoPadding";

/// The stream that a plaintext is mixed with, the same both ways, from any place on.
pub(super) struct Keystream {
    key: Zeroizing<[u8; 32]>,
    /// The counter at the object's beginning.
    iv: [u8; 16],
}

impl Keystream {
    fn new(key: &[u8], iv: [u8; 16]) -> Result<Self> {
        let mut own = Zeroizing::new([0; 32]);
        if key.len() != own.len() {
            return Err(protocol("the object's data key has not the length that AES-256 wants"));
        }
        own.copy_from_slice(key);
        Ok(Keystream { key: own, iv })
    }

    /// Encrypts or decrypts what stands at this offset of the object.
    pub(super) fn apply(&self, offset: u64, bytes: &mut [u8]) {
        let mut cipher = Ctr128BE::<Aes256>::new((&*self.key).into(), (&self.iv).into());
        cipher.seek(offset);
        cipher.apply_keystream(bytes);
    }
}

/// How an object is encrypted, as its headers say: nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Envelope {
    /// The data key and the counter as the key service wrapped them.
    key: String,
    iv: String,
    /// The counter is written in decimal digits.
    #[serde(default)]
    is_old: bool,
    /// Of the plaintext, in hexadecimal digits.
    pub sha256: Option<String>,
}

impl Envelope {
    /// Reads the headers of an object; `None` when it is not encrypted.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let of = |prefix: &str, name: &str| text(&format!("{prefix}{name}")).map(str::to_owned);
        let (prefix, key, iv) = match (of(PREFIX, "key"), of(OLD_PREFIX, "crypto-key")) {
            (Some(key), _) => (PREFIX, key, of(PREFIX, "start")),
            (None, Some(key)) => (OLD_PREFIX, key, of(OLD_PREFIX, "crypto-start")),
            (None, None) => return Ok(None),
        };
        let is_old = prefix == OLD_PREFIX;
        let (wrap, cipher) =
            (of(prefix, "wrap-alg").unwrap_or_default(), of(prefix, "cek-alg").unwrap_or_default());
        let is_known =
            if is_old { wrap.eq_ignore_ascii_case("kms") } else { wrap.eq_ignore_ascii_case(WRAP) };
        if !is_known {
            return Err(unsupported(&format!(
                "its data key is wrapped by {wrap}, and only the key service is asked"
            )));
        }
        if !(cipher.eq_ignore_ascii_case(CIPHER) || is_old && cipher.eq_ignore_ascii_case(OLD_CIPHER)) {
            return Err(unsupported(&format!(
                "its cipher is {cipher}, and only AES in counter mode is known"
            )));
        }
        let iv =
            iv.ok_or_else(|| protocol("the object's headers lack the counter that it is encrypted with"))?;
        let sha256 = text(PLAINTEXT).filter(|text| text.len() == 64).map(str::to_lowercase);
        let blob = |header: String| if is_old { header } else { blob(header) };
        Ok(Some(Envelope { key: blob(key), iv: blob(iv), is_old, sha256 }))
    }

    /// The headers of an object that is written; `sizes` are those of object and part, where there are parts.
    pub(super) fn headers(&self, sizes: Option<(Option<u64>, u64)>) -> Vec<(String, String)> {
        let twice = |blob: &str| STANDARD.encode(blob);
        let mut headers = vec![
            (format!("{PREFIX}key"), twice(&self.key)),
            (format!("{PREFIX}start"), twice(&self.iv)),
            (format!("{PREFIX}cek-alg"), CIPHER.to_owned()),
            (format!("{PREFIX}wrap-alg"), WRAP.to_owned()),
        ];
        if let Some((size, part)) = sizes {
            headers.extend(size.map(|size| (format!("{PREFIX}data-size"), size.to_string())));
            headers.push((format!("{PREFIX}part-size"), part.to_string()));
        }
        headers.extend(self.sha256.clone().map(|sha256| (PLAINTEXT.to_owned(), sha256)));
        headers
    }

    /// A data key and a counter for a new object.
    pub(super) async fn seal(keys: &KeyService<'_>, cmk_id: &str) -> Result<(Self, Keystream)> {
        let (plain, key) = keys.data_key(cmk_id).await?;
        let mut iv = [0; 16];
        random(&mut iv)?;
        // The low half has room to count.
        iv[8..12].fill(0);
        let stream = Keystream::new(&decoded(&plain)?, iv)?;
        let iv = keys.encrypt(cmk_id, &STANDARD.encode(iv)).await?;
        Ok((Envelope { key, iv, is_old: false, sha256: None }, stream))
    }

    /// Whether a plaintext is the one that was written, where its hash is known.
    pub(super) fn check(&self, found: &str) -> Result<()> {
        match &self.sha256 {
            Some(wanted) if wanted != found => Err(Error::new(
                Status::Integrity,
                format!("the decrypted bytes are not those that were written: SHA-256 {found}, not {wanted}"),
            )
            .with_hint("somebody may have changed the encrypted object")),
            _ => Ok(()),
        }
    }

    /// What the key service makes of it, if it lets these credentials.
    pub(super) async fn open(&self, keys: &KeyService<'_>) -> Result<Keystream> {
        let key = decoded(&keys.decrypt(&self.key).await?)?;
        let iv = keys.decrypt(&self.iv).await?;
        let counter =
            if self.is_old { decimal(&iv) } else { decoded(&iv).ok().and_then(|iv| (**iv).try_into().ok()) };
        Keystream::new(&key, counter.ok_or_else(|| protocol("the object's counter cannot be read"))?)
    }
}

/// Whether an object's headers say that it was encrypted before it was stored, in whatever way.
pub(super) fn is_encrypted(headers: &HeaderMap) -> bool {
    headers.contains_key(format!("{PREFIX}key")) || headers.contains_key(format!("{OLD_PREFIX}crypto-key"))
}

/// A header is the blob, or the blob encoded once more.
fn blob(header: String) -> String {
    let inner = STANDARD.decode(&header).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match inner {
        Some(inner) if !inner.is_empty() && STANDARD.decode(&inner).is_ok() => inner,
        _ => header,
    }
}

fn decimal(text: &str) -> Option<[u8; 16]> {
    let direct = text.trim().parse::<u128>().ok();
    let within = || String::from_utf8(STANDARD.decode(text).ok()?).ok()?.trim().parse::<u128>().ok();
    direct.or_else(within).map(u128::to_be_bytes)
}

fn decoded(text: &str) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = STANDARD.decode(text.trim());
    bytes.map(Zeroizing::new).map_err(|_| protocol("the key service's answer is no base64"))
}

fn random(bytes: &mut [u8]) -> Result<()> {
    let source = rustls::crypto::ring::default_provider().secure_random;
    source.fill(bytes).map_err(|_| Error::new(Status::Internal, "the system gives no random bytes"))
}

fn protocol(what: &str) -> Error {
    Error::new(Status::Protocol, what)
}

fn unsupported(what: &str) -> Error {
    Error::new(
        Status::Unsupported,
        format!("the object is encrypted in a way that is not known here: {what}"),
    )
    .with_hint("\"decrypt\": false gives the bytes as they are stored")
}

/// An object that is encrypted while it is sent.
pub(super) struct Sealed {
    pub envelope: Envelope,
    /// As it is stored.
    pub content: Arc<dyn Content>,
}

impl Sealed {
    /// With a data key of its own. The plaintext is read once for its hash, which the headers hold before it is sent.
    pub(super) async fn new(keys: &KeyService<'_>, cmk_id: &str, plain: &Arc<dyn Content>) -> Result<Self> {
        let (mut envelope, stream) = Envelope::seal(keys, cmk_id).await?;
        let hashed = plain.clone();
        let hashing = blocking(move || {
            hash(&*hashed).map_err(|cause| Error::io("the file could not be read to its end", &cause))
        });
        envelope.sha256 = Some(hashing.await?);
        Ok(Sealed { envelope, content: Arc::new(Encrypted { plain: plain.clone(), stream }) })
    }

    /// With the data key that it began with.
    pub(super) async fn again(
        keys: &KeyService<'_>,
        envelope: Envelope,
        plain: &Arc<dyn Content>,
    ) -> Result<Self> {
        let stream = envelope.open(keys).await?;
        Ok(Sealed { envelope, content: Arc::new(Encrypted { plain: plain.clone(), stream }) })
    }
}

/// A content as it is stored: encrypted while it is read.
struct Encrypted {
    plain: Arc<dyn Content>,
    stream: Keystream,
}

impl Content for Encrypted {
    fn length(&self) -> u64 {
        self.plain.length()
    }

    fn read_at(&self, piece: &mut [u8], offset: u64) -> io::Result<()> {
        self.plain.read_at(piece, offset)?;
        self.stream.apply(offset, piece);
        Ok(())
    }

    fn check_unchanged(&self) -> io::Result<()> {
        self.plain.check_unchanged()
    }
}

/// A hash of a plaintext that grows.
#[derive(Clone, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    pub(super) fn write(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(super) fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The hash of a content.
fn hash(content: &dyn Content) -> io::Result<String> {
    let (mut hash, mut at) = (Hash::default(), 0);
    let mut piece = vec![0; CHUNK];
    while at < content.length() {
        let size = (content.length() - at).min(CHUNK as u64) as usize;
        let part = &mut piece[..size];
        content.read_at(part, at)?;
        hash.write(part);
        at += size as u64;
    }
    Ok(hash.hex())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const CIPHERTEXT: &str = "cbde907819a78ba009e666771ca06b8c21290c79ebf2ccd1b89d67bb6c0c7b2566c79c899127e27e4b8a37a6\
        a52af65eaa328319644ebe7b47807f282cf9df977852fe91039e133f1d2cc1f10e570d80c108bd44847d92ed4c867199e81580";

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
    }

    fn stream(iv: &str) -> Keystream {
        let key: Vec<u8> = (0..32).collect();
        Keystream::new(&key, unhex(iv).try_into().expect("16 bytes")).expect("a key")
    }

    #[test]
    fn the_published_vectors() {
        let plain = "组学数据 omics\n".repeat(5).into_bytes();
        let stream = stream("f0f1f2f3f4f5f6f700000000fcfdfeff");
        let mut bytes = plain.clone();
        stream.apply(0, &mut bytes);
        assert_eq!(hex(&bytes), CIPHERTEXT);
        let mut crc = super::super::crc64::Running::new();
        crc.write(&bytes);
        assert_eq!(crc.sum(), 1749273638229117884);
        // From any place on, multiple of the block or not.
        for at in [0, 1, 15, 16, 31, 32, 90] {
            let mut rest = bytes[at..].to_vec();
            stream.apply(at as u64, &mut rest);
            assert_eq!(rest, plain[at..], "{at}");
        }
        let mut middle = plain[32..48].to_vec();
        stream.apply(32, &mut middle);
        assert_eq!(hex(&middle), "66c79c899127e27e4b8a37a6a52af65e");
    }

    #[test]
    fn the_counter_carries() {
        let mut bytes = vec![0; 48];
        stream("000000000000000000000000ffffffff").apply(0, &mut bytes);
        assert_eq!(
            hex(&bytes),
            "b9c2739810cba157a9fe6a108c6e569e641d1a3a80becff6f0f38f9764fdcf96367ef8288831557408e102950a16e26a"
        );
        // Beyond the last number it begins at 0 again.
        let mut bytes = vec![0; 32];
        stream("ffffffffffffffffffffffffffffffff").apply(0, &mut bytes);
        let mut second = vec![0; 16];
        stream("00000000000000000000000000000000").apply(0, &mut second);
        assert_eq!(bytes[16..], second);
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).expect("a name");
        pairs.iter().map(|(key, value)| (name(key), HeaderValue::from_str(value).expect("a value"))).collect()
    }

    #[test]
    fn three_dialects_are_read() {
        let (key, iv) = ("d3JhcHBlZC1kYXRhLWtleS1vZi10ZXN0", "d3JhcHBlZC1pdi1vZi10ZXN0");
        let new = |key: &str, start: &str| {
            Envelope::read(&headers(&[
                ("x-oss-meta-client-side-encryption-key", key),
                ("x-oss-meta-client-side-encryption-start", start),
                ("x-oss-meta-client-side-encryption-cek-alg", "AES/CTR/NoPadding"),
                ("x-oss-meta-client-side-encryption-wrap-alg", "KMS/ALICLOUD"),
            ]))
        };
        let wanted = Envelope { key: key.into(), iv: iv.into(), is_old: false, sha256: None };
        let twice = new("ZDNKaGNIQmxaQzFrWVhSaExXdGxlUzF2WmkxMFpYTjA=", "ZDNKaGNIQmxaQzFwZGkxdlppMTBaWE4w");
        assert_eq!(twice.expect("dialect 1"), Some(wanted.clone()));
        assert_eq!(new(key, iv).expect("dialect 2"), Some(wanted.clone()));
        let old = Envelope::read(&headers(&[
            ("x-oss-meta-oss-crypto-key", key),
            ("x-oss-meta-oss-crypto-start", iv),
            ("x-oss-meta-oss-cek-alg", "AES/GCM/NoPadding"),
            ("x-oss-meta-oss-wrap-alg", "kms"),
        ]));
        assert_eq!(old.expect("dialect 3"), Some(Envelope { is_old: true, ..wanted.clone() }));
        // What is written is dialect 1.
        let written = wanted.headers(Some((Some(95), 16)));
        let pairs: Vec<_> = written.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(
            pairs.contains(&("x-oss-meta-client-side-encryption-start", "ZDNKaGNIQmxaQzFwZGkxdlppMTBaWE4w"))
        );
        assert!(pairs.contains(&("x-oss-meta-client-side-encryption-data-size", "95")));
        assert_eq!(Envelope::read(&headers(&pairs)).expect("its own"), Some(wanted));
        assert_eq!(Envelope::read(&HeaderMap::new()).expect("none"), None);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let with = |wrap: &str, cipher: &str| {
            Envelope::read(&headers(&[
                ("x-oss-meta-client-side-encryption-key", "a"),
                ("x-oss-meta-client-side-encryption-start", "b"),
                ("x-oss-meta-client-side-encryption-cek-alg", cipher),
                ("x-oss-meta-client-side-encryption-wrap-alg", wrap),
            ]))
        };
        for (wrap, cipher) in
            [("RSA/NONE/PKCS1Padding", CIPHER), (WRAP, "AES/CBC/PKCS5Padding"), ("", CIPHER)]
        {
            let refused = with(wrap, cipher).expect_err("not known");
            assert_eq!(refused.status(), Status::Unsupported);
            assert!(refused.message().contains(if cipher == CIPHER { wrap } else { cipher }), "{refused}");
        }
    }

    #[test]
    fn counters_in_decimal_digits() {
        assert_eq!(decimal("258"), Some(258u128.to_be_bytes()));
        assert_eq!(decimal("MjU4"), Some(258u128.to_be_bytes()));
        assert_eq!(decimal("-1"), None);
    }

    #[test]
    fn a_content_is_encrypted_as_it_is_read() {
        let plain = "组学数据 omics\n".repeat(5);
        let content = Encrypted {
            plain: Arc::new(Bytes::from(plain.clone())),
            stream: stream("f0f1f2f3f4f5f6f700000000fcfdfeff"),
        };
        let mut piece = vec![0; 16];
        content.read_at(&mut piece, 32).expect("bytes");
        assert_eq!(hex(&piece), "66c79c899127e27e4b8a37a6a52af65e");
        assert_eq!(hash(&Bytes::from(plain.clone())).expect("a hash"), hex(&Sha256::digest(plain)));
    }
}
