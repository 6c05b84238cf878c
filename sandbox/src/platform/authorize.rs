//! The pages that a user sees on the way to an authorization code: sign in and consent, then the redirect URI.

use std::fmt::Write;

use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, Response, StatusCode, Uri};
use form_urlencoded::Serializer;

use crate::wire::answer::{page as html_page, text_response};
use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::tokens::USER;

fn field<'a>(request: &'a Decoded, name: &str) -> Option<&'a str> {
    request.query.iter().rev().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// `GET /oauth2/authorize`: with `login` and `approve` a redirect, without them a form that asks for them.
pub fn page(world: &World, request: &Decoded) -> Response<Body> {
    if field(request, "client_id") != Some(world.oauth().authorization.id.as_str()) {
        return failure("client_id 错误");
    }
    let Some(redirect_uri) = field(request, "redirect_uri").filter(|uri| is_loopback(uri)) else {
        return failure("redirect_uri 错误：沙箱只接受本机回环地址");
    };
    if field(request, "response_type") != Some("code") {
        return redirect(request, redirect_uri, "error", "unsupported_response_type");
    }
    let (Some(login), Some(approve)) = (field(request, "login"), field(request, "approve")) else {
        return form(request, "");
    };
    if approve != "1" {
        return redirect(request, redirect_uri, "error", "access_denied");
    }
    match world.oauth().issue_code(login, redirect_uri, field(request, "scope")) {
        Some(code) => redirect(request, redirect_uri, "code", &code),
        None => form(request, "<p>用户不存在</p>"),
    }
}

/// Codes are handed to this machine only, on any port and path.
fn is_loopback(uri: &str) -> bool {
    let Ok(uri) = uri.parse::<Uri>() else { return false };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

fn redirect(request: &Decoded, redirect_uri: &str, name: &str, value: &str) -> Response<Body> {
    let mut query = Serializer::new(String::new());
    query.append_pair(name, value);
    if let Some(state) = field(request, "state") {
        query.append_pair("state", state);
    }
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let location = format!("{redirect_uri}{separator}{}", query.finish());
    let mut response =
        text_response(StatusCode::FOUND, "text/html; charset=utf-8", html_page("正在跳转", ""));
    match HeaderValue::from_str(&location) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => failure("redirect_uri 错误"),
    }
}

fn form(request: &Decoded, notice: &str) -> Response<Body> {
    let mut body = format!("{notice}<form method=\"get\" action=\"authorize\">");
    for (name, value) in request.query.iter().filter(|(name, _)| name != "login" && name != "approve") {
        let _ = write!(body, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value));
    }
    let _ = write!(
        body,
        "<p><label>用户名 <input name=\"login\" value=\"{USER}\"></label></p>\
         <p><button name=\"approve\" value=\"1\">同意授权</button> \
         <button name=\"approve\" value=\"0\">拒绝</button></p></form>"
    );
    text_response(StatusCode::OK, "text/html; charset=utf-8", html_page("BGE 开放平台授权（沙箱）", &body))
}

fn failure(why: &str) -> Response<Body> {
    text_response(
        StatusCode::BAD_REQUEST,
        "text/html; charset=utf-8",
        html_page("错误的请求", &format!("<p>{why}</p>")),
    )
}

/// `GET /callback`: the redirect URI of programs that have none of their own.
pub fn callback(request: &Decoded) -> Response<Body> {
    let mut body = String::new();
    for (name, value) in &request.query {
        let _ = write!(body, "<p>{}: <code>{}</code></p>", escape(name), escape(value));
    }
    text_response(StatusCode::OK, "text/html; charset=utf-8", html_page("授权结果", &body))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_codes() {
        assert!(is_loopback("http://127.0.0.1:8080/cb?x=1"));
        assert!(is_loopback("http://localhost/cb"));
        assert!(is_loopback("http://[::1]:9/cb"));
        assert!(!is_loopback("http://test.cn"));
        assert!(!is_loopback("http://127.0.0.1.test.cn/"));
        assert!(!is_loopback("/cb"));
    }
}
