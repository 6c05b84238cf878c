//! Services for applications: short messages, mini-program links, identity checks.

use serde_json::json;

use super::call::Call;
use super::envelope::{Data, Refusal};
use crate::world::data::seed::word;

/// The templates, and what each of them needs.
const TEMPLATES: [(&str, &[&str]); 3] = [
    ("pay_code", &["pay_code"]),
    ("research_download_notice", &["org_name", "project_name", "applied_date", "expiry_date"]),
    ("microarray_delivery", &["user_nick_name"]),
];

fn is_mobile(text: &str) -> bool {
    text.len() == 11 && text.starts_with('1') && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub fn sms(call: &Call) -> Result<Data, Refusal> {
    let template = call.need("template")?;
    call.need("mobiles")?;
    if !call.list("mobiles")?.unwrap_or_default().into_iter().all(is_mobile) {
        return Err(Refusal::argument("mobiles", "手机号格式错误"));
    }
    let Some((_, needs)) = TEMPLATES.iter().find(|(name, _)| *name == template) else {
        return Err(Refusal::argument("template", "短信模板不存在"));
    };
    for name in *needs {
        call.need(name)?;
    }
    Ok(Data::Json(json!(null)))
}

pub fn applet_url(call: &Call) -> Result<Data, Refusal> {
    call.need("code")?;
    if call.get("query").is_some_and(|query| query.len() > 1_024) {
        return Err(Refusal::argument("query", "最大1024个字符"));
    }
    let url = format!("https://wxaurl.cn/{}", word(&mut rand::rng(), 11));
    Ok(Data::Json(json!({"url_link": url, "expire_interval": 30})))
}

/// The last character of an identity card number follows from the other seventeen.
fn is_idcard(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let digits: Vec<u32> = text.chars().map_while(|character| character.to_digit(10)).collect();
    if text.len() != 18 || digits.len() < 17 {
        return false;
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let check = b"10X98765432"[(sum % 11) as usize];
    text.bytes().last().is_some_and(|last| last.to_ascii_uppercase() == check)
}

pub fn verify_id(call: &Call) -> Result<Data, Refusal> {
    let (idcard, realname) = (call.need("idcard")?, call.need("realname")?);
    if !is_idcard(idcard) {
        return Err(Refusal::argument("idcard", "身份证号格式错误"));
    }
    let phone = call.get("phone");
    if phone.is_some_and(|phone| !is_mobile(phone)) {
        return Err(Refusal::argument("phone", "手机号格式错误"));
    }
    // Nobody but the sandbox's own user is known to anyone here.
    let known = realname == "张三";
    Ok(Data::Json(json!({
        "verified": known,
        "result": if known { "一致" } else { "不一致" },
        "reason": if known { None } else { Some("姓名与身份证号不一致") },
        "elements": if phone.is_some() { 3 } else { 2 },
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_card_numbers_have_a_check_digit() {
        // The example of the national standard GB 11643-1999.
        assert!(is_idcard("11010519491231002X"));
        assert!(is_idcard("440524188001010014"));
        assert!(!is_idcard("110105194912310021"));
        assert!(!is_idcard("1101051949123100"));
        assert!(!is_idcard("abcdefghijklmnopqr"));
    }
}
