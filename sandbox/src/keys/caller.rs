//! Who asks the key service, and may they: key, token, time, nonce, signature.

use std::time::Duration;

use super::answer::Failure;
use super::sign;
use crate::world::World;
use crate::world::clock;

/// A request is good for so long before and after its time.
const LIFETIME: Duration = Duration::from_secs(900);

/// Checks everything about the sender of a request.
pub fn check(world: &World, method: &str, parameters: &[(String, String)]) -> Result<(), Failure> {
    let find = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let need =
        |name: &str| find(name).filter(|value| !value.is_empty()).ok_or_else(|| Failure::missing(name));
    for (name, only) in
        [("Version", "2016-01-20"), ("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")]
    {
        if need(name)? != only {
            let code = if name == "Version" { "InvalidVersion" } else { "InvalidParameter" };
            let message = format!("Specified parameter {name} is not valid.");
            return Err(Failure::new(400, code, &message));
        }
    }
    let (id, nonce, provided) = (need("AccessKeyId")?, need("SignatureNonce")?, need("Signature")?);
    check_time(world, need("Timestamp")?)?;
    let secret = secret(world, id, find("SecurityToken").filter(|token| !token.is_empty()))?;
    let text = sign::string_to_sign(method, parameters);
    if sign::signature(&secret, &text) != provided {
        let message = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{text}"
        );
        return Err(Failure::new(400, "SignatureDoesNotMatch", &message));
    }
    if !world.keys.use_nonce(id, nonce, LIFETIME) {
        return Err(Failure::new(400, "SignatureNonceUsed", "Specified signature nonce was used already."));
    }
    Ok(())
}

fn check_time(world: &World, stated: &str) -> Result<(), Failure> {
    let stated = clock::parse_iso(stated).ok_or_else(|| {
        let message = "Specified time stamp or date value is not well formatted.";
        Failure::new(400, "InvalidTimeStamp.Format", message)
    })?;
    let now = clock::shift(std::time::SystemTime::now(), world.options().kms_clock_skew);
    let apart = now.duration_since(stated).unwrap_or_else(|ahead| ahead.duration());
    if apart <= LIFETIME {
        return Ok(());
    }
    let message = "Specified time stamp or date value is expired.";
    Err(Failure::new(400, "InvalidTimeStamp.Expired", message))
}

/// The secret of a key: one of an upload token, with that token beside it, or the one that needs none.
fn secret(world: &World, id: &str, token: Option<&str>) -> Result<String, Failure> {
    let unknown = || Failure::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    let Some(token) = token else {
        return if id == world.keys.own.id { Ok(world.keys.own.secret.clone()) } else { Err(unknown()) };
    };
    let credential = world.store.credentials().find(id).filter(|found| !found.is_presigned());
    let credential = credential.ok_or_else(unknown)?;
    if credential.token != token {
        let (code, message) = match world.store.credentials().knows_token(token) {
            true => (
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.",
            ),
            false => ("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."),
        };
        return Err(Failure::new(400, code, message));
    }
    if credential.has_ended() {
        return Err(Failure::new(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."));
    }
    Ok(credential.secret.clone())
}
