//! The keys of the key service: who may use them, and what they wrap.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::data::seed::{generator, uuid, word};
use crate::world::lock::lock;

/// The length of the text of a key's id, which a wrapped text begins with.
const ID: usize = 36;
const NONCE: usize = 12;
const TAG: usize = 16;

/// What becomes of those who ask for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    Enabled,
    Disabled,
    /// Somebody else's.
    Foreign,
}

#[derive(Debug)]
pub struct Key {
    pub id: String,
    state: Mutex<KeyState>,
    secret: [u8; 32],
}

/// Why a wrapped text stays wrapped.
#[derive(Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It was made by a key that does not exist.
    NoKey,
    /// It is no wrapped text, it was changed, or it was made in another context.
    Broken,
}

/// A key pair that does not end, for those who do not use the upload token's.
#[derive(Debug)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
}

#[derive(Debug)]
pub struct Keys {
    pub own: AccessKey,
    all: [Key; 3],
    /// When each was used, by whom and in which request.
    nonces: Mutex<HashMap<(String, String), Instant>>,
}

impl Key {
    fn new(seed: u64, state: KeyState) -> Key {
        let name = json!(state).to_string();
        let mut rng = generator(seed, &["key", &name]);
        Key { id: uuid(&mut rng), state: Mutex::new(state), secret: rng.random() }
    }

    pub fn state(&self) -> KeyState {
        *lock(&self.state)
    }

    /// Wraps a text. Only the same context unwraps it.
    pub fn wrap(&self, text: &str, context: &str) -> String {
        let nonce: [u8; NONCE] = rand::rng().random();
        let mut sealed = self.id.clone().into_bytes();
        sealed.extend(nonce);
        sealed.extend(self.stream(&nonce, text.as_bytes()));
        sealed.extend(self.tag(&sealed, context));
        BASE64_STANDARD.encode(sealed)
    }

    /// The bytes hidden, or the hidden bytes shown.
    fn stream(&self, nonce: &[u8], bytes: &[u8]) -> Vec<u8> {
        let blocks = bytes.chunks(32).enumerate().flat_map(|(number, block)| {
            let mask = hash(&[&self.secret, b"stream", nonce, &number.to_be_bytes()]);
            block.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>()
        });
        blocks.collect()
    }

    fn tag(&self, sealed: &[u8], context: &str) -> [u8; TAG] {
        let whole = hash(&[&self.secret, b"tag", &hash(&[sealed]), context.as_bytes()]);
        std::array::from_fn(|at| whole[at])
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

impl Keys {
    pub fn new(seed: u64) -> Keys {
        let mut rng = generator(seed, &["key service"]);
        Keys {
            own: AccessKey { id: format!("LTAI{}", word(&mut rng, 20)), secret: word(&mut rng, 30) },
            all: [KeyState::Enabled, KeyState::Disabled, KeyState::Foreign]
                .map(|state| Key::new(seed, state)),
            nonces: Mutex::default(),
        }
    }

    /// The keys as they were at the start: an enabled one, a disabled one, a foreign one.
    pub fn all(&self) -> &[Key; 3] {
        &self.all
    }

    pub fn get(&self, id: &str) -> Option<&Key> {
        self.all.iter().find(|key| key.id == id)
    }

    /// `false` when there is no such key.
    pub fn set_state(&self, id: &str, state: KeyState) -> bool {
        self.get(id).map(|key| *lock(&key.state) = state).is_some()
    }

    /// The key that wrapped a text, and the text.
    pub fn unwrap(&self, wrapped: &str, context: &str) -> Result<(&Key, String), Sealed> {
        let sealed = BASE64_STANDARD.decode(wrapped).map_err(|_| Sealed::Broken)?;
        let (id, _) = sealed.split_at_checked(ID).ok_or(Sealed::Broken)?;
        let id = std::str::from_utf8(id).map_err(|_| Sealed::Broken)?;
        let (before, tag) = sealed
            .split_at_checked(sealed.len().saturating_sub(TAG))
            .filter(|(before, _)| before.len() >= ID + NONCE)
            .ok_or(Sealed::Broken)?;
        let key = self.get(id).ok_or(Sealed::NoKey)?;
        if key.tag(before, context) != tag {
            return Err(Sealed::Broken);
        }
        let (nonce, hidden) = before[ID..].split_at(NONCE);
        let text = String::from_utf8(key.stream(nonce, hidden)).map_err(|_| Sealed::Broken)?;
        Ok((key, text))
    }

    /// `false` when this caller has used it within the time for which requests are good.
    pub fn use_nonce(&self, caller: &str, nonce: &str, lifetime: Duration) -> bool {
        let mut nonces = lock(&self.nonces);
        if nonces.len() > 100_000 {
            nonces.retain(|_, used| used.elapsed() <= lifetime);
        }
        let used = nonces.insert((caller.to_owned(), nonce.to_owned()), Instant::now());
        used.is_none_or(|used| used.elapsed() > lifetime)
    }

    pub fn to_json(&self) -> Value {
        self.all.iter().map(|key| json!({"key_id": key.id, "state": key.state()})).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_unwrap_what_was_wrapped() {
        let keys = Keys::new(1);
        let key = &keys.all()[0];
        for text in ["", "8PHy8/T19vcAAAAA/P3+/w==", &"文".repeat(500)] {
            let wrapped = key.wrap(text, "{}");
            assert_ne!(wrapped, key.wrap(text, "{}"));
            let (by, unwrapped) = keys.unwrap(&wrapped, "{}").unwrap();
            assert_eq!((&by.id, unwrapped.as_str()), (&key.id, text));
            assert_eq!(keys.unwrap(&wrapped, "{\"a\":\"b\"}").unwrap_err(), Sealed::Broken);
            let mut bytes = BASE64_STANDARD.decode(&wrapped).unwrap();
            for at in ID..bytes.len() {
                bytes[at] ^= 1;
                let error = keys.unwrap(&BASE64_STANDARD.encode(&bytes), "{}").unwrap_err();
                assert_eq!(error, Sealed::Broken);
                bytes[at] ^= 1;
            }
            bytes[0] = if bytes[0] == b'0' { b'1' } else { b'0' };
            assert_eq!(keys.unwrap(&BASE64_STANDARD.encode(&bytes), "{}").unwrap_err(), Sealed::NoKey);
        }
        for wrong in ["", "?", "AAAA", "d3JhcHBlZC1pdi1vZi10ZXN0"] {
            assert_eq!(keys.unwrap(wrong, "{}").unwrap_err(), Sealed::Broken);
        }
        assert_eq!(Keys::new(2).unwrap(&key.wrap("x", ""), "").unwrap_err(), Sealed::NoKey);
    }

    #[test]
    fn a_nonce_is_good_once_for_each_caller() {
        let keys = Keys::new(1);
        let minute = Duration::from_secs(60);
        assert!(keys.use_nonce("a", "1", minute) && keys.use_nonce("b", "1", minute));
        assert!(!keys.use_nonce("a", "1", minute));
        assert!(keys.use_nonce("a", "1", Duration::ZERO));
    }
}
