//! What the key service does: new data keys, texts wrapped and unwrapped.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::Rng;

use super::answer::{Answer, Failure};
use crate::world::keys::{Key, KeyState, Keys, Sealed};

/// The longest text that is wrapped, and the longest data key.
const MOST_TEXT: usize = 6_144;
const MOST_BYTES: usize = 1_024;

type Parameters<'a> = &'a [(String, String)];
pub type Action = fn(&Keys, Parameters) -> Result<Answer, Failure>;

/// The action that is asked for.
pub fn find(parameters: Parameters) -> Result<Action, Failure> {
    match need(parameters, "Action")? {
        "GenerateDataKey" => Ok(generate_data_key),
        "Encrypt" => Ok(encrypt),
        "Decrypt" => Ok(decrypt),
        _ => {
            let message = "Specified api is not found, please check your url and method.";
            Err(Failure::new(404, "InvalidAction.NotFound", message))
        }
    }
}

fn generate_data_key(keys: &Keys, parameters: Parameters) -> Result<Answer, Failure> {
    let key = usable(keys, need(parameters, "KeyId")?)?;
    let of_spec = match get(parameters, "KeySpec") {
        None | Some("AES_256") => 32,
        Some("AES_128") => 16,
        Some(_) => return Err(Failure::invalid("KeySpec")),
    };
    let length = match get(parameters, "NumberOfBytes") {
        None => of_spec,
        Some(text) => {
            let number = text.parse().ok().filter(|number| (1..=MOST_BYTES).contains(number));
            number.ok_or_else(|| Failure::invalid("NumberOfBytes"))?
        }
    };
    let mut bytes = vec![0; length];
    rand::rng().fill_bytes(&mut bytes);
    let plaintext = BASE64_STANDARD.encode(bytes);
    let wrapped = key.wrap(&plaintext, &context(parameters)?);
    Ok(vec![("KeyId", key.id.clone()), ("CiphertextBlob", wrapped), ("Plaintext", plaintext)])
}

fn encrypt(keys: &Keys, parameters: Parameters) -> Result<Answer, Failure> {
    let key = usable(keys, need(parameters, "KeyId")?)?;
    let plaintext = need(parameters, "Plaintext")?;
    if plaintext.len() > MOST_TEXT || BASE64_STANDARD.decode(plaintext).is_err() {
        return Err(Failure::invalid("Plaintext"));
    }
    let wrapped = key.wrap(plaintext, &context(parameters)?);
    Ok(vec![("KeyId", key.id.clone()), ("CiphertextBlob", wrapped)])
}

fn decrypt(keys: &Keys, parameters: Parameters) -> Result<Answer, Failure> {
    let wrapped = need(parameters, "CiphertextBlob")?;
    let unwrapped = keys.unwrap(wrapped, &context(parameters)?);
    let (key, plaintext) = unwrapped.map_err(|sealed| match sealed {
        Sealed::NoKey => not_found(),
        Sealed::Broken => Failure::invalid("CiphertextBlob"),
    })?;
    usable(keys, &key.id)?;
    Ok(vec![("KeyId", key.id.clone()), ("Plaintext", plaintext)])
}

fn get<'a>(parameters: Parameters<'a>, name: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    found.filter(|value| !value.is_empty())
}

fn need<'a>(parameters: Parameters<'a>, name: &str) -> Result<&'a str, Failure> {
    get(parameters, name).ok_or_else(|| Failure::missing(name))
}

/// The context in one spelling: what the order of its members is does not matter.
fn context(parameters: Parameters) -> Result<String, Failure> {
    let members: BTreeMap<String, String> = match get(parameters, "EncryptionContext") {
        None => BTreeMap::new(),
        Some(text) => serde_json::from_str(text).map_err(|_| Failure::invalid("EncryptionContext"))?,
    };
    Ok(format!("{members:?}"))
}

/// A key that the caller may use now.
fn usable<'a>(keys: &'a Keys, id: &str) -> Result<&'a Key, Failure> {
    let key = keys.get(id).ok_or_else(not_found)?;
    match key.state() {
        KeyState::Enabled => Ok(key),
        KeyState::Disabled => {
            let message = "The request was rejected because the key state is Disabled.";
            Err(Failure::new(409, "Rejected.Disabled", message))
        }
        KeyState::Foreign => {
            let message = "This operation is forbidden by permission system.";
            Err(Failure::new(403, "Forbidden.NoPermission", message))
        }
    }
}

fn not_found() -> Failure {
    Failure::new(404, "Forbidden.KeyNotFound", "The specified Key is not found.")
}
