//! An answer's bytes become the raw data, or an error that says what else it was.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result, Status},
    json,
};

/// The envelope of a successful answer, borrowed from its bytes.
pub(crate) struct Envelope<'a> {
    /// The result, as the platform wrote it.
    pub data: &'a str,
    /// What stands beside it, where the call has it.
    pub pagination: Option<&'a str>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    pagination: Option<&'a RawValue>,
}

/// Reads an answer. `is_json` says whether it called itself `application/json`: nothing else is the platform's own.
pub(crate) fn read(http: u16, is_json: bool, body: &[u8]) -> Result<Envelope<'_>> {
    if !is_json {
        return Err(without_envelope(http, None, body));
    }
    let (text, code, wire) = parse(body).map_err(|misfit| without_envelope(http, Some(misfit), body))?;
    if code == 0 && http < 400 {
        // Whoever reads it further, we or the caller, would take one of the two.
        if let Some(misfit) = json::twice(text) {
            return Err(Error::new(Status::Protocol, "the answer gives a member twice")
                .with_cause(misfit)
                .with_http(http, None));
        }
        return Ok(Envelope {
            data: wire.data.map_or("null", RawValue::get),
            pagination: wire.pagination.map(RawValue::get),
        });
    }
    let msg = wire
        .msg
        .map(|msg| serde_json::from_str::<String>(msg.get()).unwrap_or_else(|_| msg.get().to_owned()));
    let error = match (code, http) {
        (403, _) => refused_token("the access token is wrong or expired"),
        (401, _) => refused_token("the token has no permission for this"),
        (_, 401) => refused_token("the platform refused the token"),
        (_, 400..) => Error::new(Status::Http, "the platform refused"),
        _ => Error::new(Status::Api, "the platform refused"),
    };
    Err(error.with_http(http, None).with_envelope(code, msg, wire.data.map(ToOwned::to_owned)))
}

fn refused_token(what: &str) -> Error {
    Error::new(Status::Auth, what)
}

/// An envelope and its code, or where and how it is none.
fn parse(body: &[u8]) -> std::result::Result<(&str, i64, Wire<'_>), String> {
    let text = json::text(body)?;
    let wire: Wire<'_> = serde_json::from_str(text).map_err(|cause| json::misfit(text, &cause))?;
    let code = wire.code.ok_or("there is no code")?.get().parse();
    code.map(|code| (text, code, wire)).map_err(|_| "the code is no whole number".to_owned())
}

/// What an answer is that is no envelope; `misfit` says where it is not, if it calls itself JSON.
fn without_envelope(http: u16, misfit: Option<String>, body: &[u8]) -> Error {
    let is_json = misfit.is_some();
    match http {
        401 => refused_token("the server refused the token"),
        400.. => Error::new(Status::Http, "the server refused"),
        300..=399 => Error::new(Status::Protocol, "the server redirects, and only GET requests follow")
            .with_hint("check \"endpoint\""),
        _ if !is_json && looks_like_html(body) => {
            Error::new(Status::Protocol, "the answer is a web page, not the platform's JSON")
                .with_hint("does the network want a login first, or a proxy?")
        }
        _ if !is_json => Error::new(Status::Protocol, "the answer is not JSON"),
        _ => Error::new(Status::Protocol, "the answer is no envelope of code, msg and data")
            .with_cause(misfit.unwrap_or_default()),
    }
    .with_http(http, None)
}

fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// What `get_taxon_abundance` gives: exactly `count`, `next_page` and `result`, put together from the raw pieces.
pub(crate) fn with_pagination(envelope: &Envelope<'_>) -> Result<String> {
    #[derive(Deserialize)]
    struct Pagination {
        count: u64,
        page: u64,
    }
    let pagination: Pagination = envelope
        .pagination
        .and_then(|raw| serde_json::from_str(raw).ok())
        .ok_or_else(|| Error::new(Status::Protocol, "the answer has no pagination of count and page"))?;
    let next_page = match pagination.count {
        0 => "null".to_owned(),
        _ => pagination.page.saturating_add(1).to_string(),
    };
    // Pages are large, and many may be waiting: no byte more than needed.
    let head = format!("{{\"count\":{},\"next_page\":{next_page},\"result\":", pagination.count);
    Ok([&head, envelope.data, "}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(http: u16, is_json: bool, body: &str) -> Error {
        match read(http, is_json, body.as_bytes()) {
            Ok(envelope) => panic!("{body}: {}", envelope.data),
            Err(error) => error,
        }
    }

    #[test]
    fn data_comes_out_as_it_was_written() {
        let body = r#" {"msg": "成功", "data" : {"b": 1e-07, "a": [9007199254740993, 1.0] } ,"code":0}
"#;
        let envelope = read(200, true, body.as_bytes()).expect("an envelope");
        assert_eq!(envelope.data, r#"{"b": 1e-07, "a": [9007199254740993, 1.0] }"#);
        assert_eq!(read(200, true, br#"{"code":0}"#).expect("an envelope").data, "null");
        assert_eq!(read(200, true, br#"{"code":0,"data":null}"#).expect("an envelope").data, "null");
    }

    #[test]
    fn refusals_are_told_apart() {
        for (http, is_json, body, status, code) in [
            (200, true, r#"{"code":41001,"msg":"参数错误","data":{"field":"x"}}"#, Status::Api, 41001),
            (200, true, r#"{"code":403,"msg":"access_token 已失效或错误"}"#, Status::Auth, 403),
            (500, true, r#"{"code":401,"msg":"无访问权限"}"#, Status::Auth, 401),
            (401, false, "", Status::Auth, 0),
            (400, true, r#"{"code":400,"msg":"错误的请求"}"#, Status::Http, 400),
            (404, true, r#"{"code":0,"msg":""}"#, Status::Http, 0),
            (502, false, "<html>", Status::Http, 0),
            (200, false, "<html>", Status::Protocol, 0),
            (200, false, r#"{"code":0,"data":1}"#, Status::Protocol, 0),
            (200, true, r#"{"code":0,"data":1} x"#, Status::Protocol, 0),
            (200, true, r#"{"code":"0","data":1}"#, Status::Protocol, 0),
            (200, true, r#"{"code":0.0,"data":1}"#, Status::Protocol, 0),
            (200, true, r#"{"data":1}"#, Status::Protocol, 0),
            (200, true, "[0]", Status::Protocol, 0),
            (200, true, r#"{"code":0,"da"#, Status::Protocol, 0),
            (302, false, "", Status::Protocol, 0),
        ] {
            let error = failed(http, is_json, body);
            assert_eq!(
                (error.status(), error.code(), error.http_status()),
                (status, code, http),
                "{http} {body}"
            );
        }
        let refused = failed(200, true, r#"{"code":41001,"msg":"参数错误","data":{"field":"x"}}"#);
        assert!(refused.to_json().ends_with(r#""data":{"field":"x"}}"#), "{}", refused.to_json());
        assert!(refused.message().contains("参数错误"));
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for (body, expected) in [
            ("{\"code\":0,\n \"data\":[1,NaN]}", "line 2, column 12: NaN, which is no JSON"),
            ("{\"code\":0,\"data\":{\"v\":Infinity}}", "column 23: Infinity, which is no JSON"),
            ("{\"code\":0,\"data\":{\"v\":-Infinity}}", "-Infinity, which is no JSON"),
            ("\u{feff}{\"code\":0,\"data\":1}", "line 1, column 1: a byte order mark"),
            ("{\"code\":0,\"data\":1,\"data\":2}", "the member data twice"),
            ("{\"code\":0,\"code\":1}", "the member code twice"),
            (
                "{\"code\":0,\n\"data\":{\"rows\":[{\"a\":1, \"a\":2}]}}",
                "line 2, column 25: the member a twice",
            ),
            ("{\"code\":0,\"data\":{\"Zhang San\":1,\"Zhang San\":2}}", "column 33: a member twice"),
            ("{\"code\":0,\"more\":1,\"more\":2}", "the member more twice"),
            ("{\"code\":0,\"data\":\"Zhang", "the end, too early"),
            ("{\"code\":0,\"data\":Zhang}", "line 1, column 18: expected value"),
        ] {
            let error = failed(200, true, body);
            assert_eq!(error.status(), Status::Protocol, "{body}");
            assert!(error.message().contains(expected), "{body}: {error}");
            assert!(!error.message().contains("Zhang"), "{error}");
        }
        let bytes = match read(200, true, b"{\n\"code\":0,\"data\":\"\xff\"}") {
            Ok(envelope) => panic!("{}", envelope.data),
            Err(error) => error,
        };
        assert!(bytes.message().contains("line 2, column 18: bytes that are not UTF-8"), "{bytes}");
    }

    #[test]
    fn bad_bytes_are_no_envelope() {
        let body = b"{\"code\":0,\"data\":\"\xff\"}";
        assert!(matches!(read(200, true, body), Err(error) if error.status() == Status::Protocol));
    }

    #[test]
    fn a_taxon_page_has_exactly_three_members() {
        let page = |pagination: Option<&'static str>| {
            with_pagination(&Envelope { data: "[ {\"v\":2.18932050758568e-10} ]", pagination })
        };
        assert_eq!(
            page(Some(r#"{"page": 2, "count": 120}"#)).expect("a page"),
            r#"{"count":120,"next_page":3,"result":[ {"v":2.18932050758568e-10} ]}"#
        );
        assert_eq!(
            page(Some(r#"{"page": 1, "count": 0}"#)).expect("a page"),
            r#"{"count":0,"next_page":null,"result":[ {"v":2.18932050758568e-10} ]}"#
        );
        assert!(matches!(page(None), Err(error) if error.status() == Status::Protocol));
    }
}
