//! RPC signature 1.0: the text that is signed, and the signing.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::Hmac;
use sha1::Sha1;

use crate::wire::signing::{encode, hmac};

/// All parameters but the signature itself, wherever they stood.
pub fn string_to_sign(method: &str, parameters: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| name != "Signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{method}&%2F&{}", encode(&pairs.join("&")))
}

/// Base64 of HMAC-SHA1.
pub fn signature(secret: &str, string_to_sign: &str) -> String {
    BASE64_STANDARD.encode(hmac::<Hmac<Sha1>>(format!("{secret}&").as_bytes(), string_to_sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: (&str, &str) = ("KeyId", "7906979c-8e06-46a2-be2d-68e3ccbc****");
    const CONTEXT: (&str, &str) = ("EncryptionContext", "");

    fn signed(action: &str, own: &[(&str, &str)]) -> String {
        let common = [
            ("Timestamp", "2026-11-25T08:00:00Z"),
            ("Action", action),
            ("Version", "2016-01-20"),
            ("Format", "JSON"),
            ("RegionId", "cn-shenzhen"),
            ("AccessKeyId", "STS.testid"),
            ("SecurityToken", "CAISTOKEN+/=="),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureType", ""),
            ("SignatureNonce", "0e3a4b4e-1"),
            ("Signature", "is not signed itself"),
        ];
        let all: Vec<_> =
            common.iter().chain(own).map(|(name, value)| ((*name).into(), (*value).into())).collect();
        signature("testsecret", &string_to_sign("POST", &all))
    }

    #[test]
    fn the_three_actions() {
        let data_key = [KEY, CONTEXT, ("KeySpec", "AES_256"), ("NumberOfBytes", "32")];
        assert_eq!(signed("GenerateDataKey", &data_key), "q+WawUxnTeIOavFdyH9slplsJLA=");
        let encrypt = [KEY, CONTEXT, ("Plaintext", "8PHy8/T19vcAAAAA/P3+/w==")];
        assert_eq!(signed("Encrypt", &encrypt), "g0+IiHoGpNdskBd/hJkYPiiZf8w=");
        let decrypt = [CONTEXT, ("CiphertextBlob", "d3JhcHBlZC1pdi1vZi10ZXN0")];
        assert_eq!(signed("Decrypt", &decrypt), "gfWvTp5pKZcFkZUdq5ubPyMhs94=");
    }

    #[test]
    fn what_is_encoded_is_encoded_strictly() {
        let parameters = [("b".to_owned(), "a b*~/样".to_owned()), ("a".to_owned(), String::new())];
        let expected = "GET&%2F&a%3D%26b%3Da%2520b%252A~%252F%25E6%25A0%25B7";
        assert_eq!(string_to_sign("GET", &parameters), expected);
    }
}
