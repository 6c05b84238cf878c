//! The platform side: which calls there are, who may make them, and where each is answered.

mod account;
mod authorize;
mod call;
pub mod envelope;
mod files;
mod microbiome;
mod models;
mod pages;
mod phenotypes;
mod reports;
mod samples;
mod services;
mod streams;
mod tasks;
mod variants;

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::tokens::Token;
use call::Call;
use envelope::{Data, Refusal};

/// Which tokens may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grants {
    /// No token at all.
    Open,
    AuthorizationCode,
    ClientCredentials,
    Both,
}

struct Route {
    method: Method,
    /// `*` stands for one segment, which the call finds in `ids`.
    path: &'static str,
    grants: Grants,
    scope: Option<&'static str>,
    run: fn(&Call) -> Result<Data, Refusal>,
}

const fn get(
    path: &'static str,
    grants: Grants,
    scope: Option<&'static str>,
    run: fn(&Call) -> Result<Data, Refusal>,
) -> Route {
    Route { method: Method::GET, path, grants, scope, run }
}

const fn post(
    path: &'static str,
    grants: Grants,
    scope: Option<&'static str>,
    run: fn(&Call) -> Result<Data, Refusal>,
) -> Route {
    Route { method: Method::POST, path, grants, scope, run }
}

use Grants::{AuthorizationCode as Ac, Both, ClientCredentials as Cc, Open};

static ROUTES: [Route; 41] = [
    get("/ping", Open, None, account::ping),
    post("/oauth2/access_token", Open, None, account::access_token),
    get("/oauth2/introspect", Both, None, account::introspect),
    get("/profile", Ac, Some("profile"), account::profile),
    post("/user/overview", Both, Some("profile"), account::overview),
    get("/samples", Both, Some("samples"), samples::list),
    get("/samples/external_ids", Both, Some("samples"), samples::externals),
    post("/samples/register", Both, Some("samples"), samples::register),
    post("/samples/improve", Both, Some("samples"), samples::improve),
    get("/samples/*", Both, Some("samples"), samples::one),
    get("/variants", Both, Some("variants"), variants::list),
    post("/professional/variant", Both, Some("variants"), variants::professional),
    get("/microbiome/taxon_abundance", Ac, Some("microbiome"), microbiome::taxa),
    get("/microbiome/func_abundance", Ac, Some("microbiome"), microbiome::functions),
    get("/microbiome/gene_abundance", Ac, Some("microbiome"), microbiome::genes),
    post("/sts/token", Both, Some("files"), files::upload_token),
    post("/oss/sign_url", Both, Some("files"), files::download_url),
    post("/ferry/download_to_oss", Cc, Some("files"), files::ferry),
    get("/stream/range", Both, Some("streams"), streams::range),
    get("/omics_data/aggregate", Both, Some("streams"), streams::aggregate),
    get("/data_item/batch_retrieve", Both, Some("streams"), streams::items),
    post("/datamall/phenotype/write", Cc, Some("streams"), phenotypes::write),
    post("/model/deploy", Both, Some("models"), models::deploy),
    post("/model/publish", Both, Some("models"), models::publish),
    post("/model/rollback", Both, Some("models"), models::rollback),
    post("/model/expfs/upload", Both, Some("models"), models::expfs),
    post("/model/license", Both, Some("models"), models::license),
    post("/model/doc_upload", Both, Some("models"), models::document),
    get("/model/*", Both, Some("models"), models::invoke),
    get("/model/*/draft", Both, Some("models"), models::invoke_draft),
    get("/model/*/versions", Both, Some("models"), models::versions),
    get("/task/*", Both, Some("models"), tasks::show),
    post("/sms/send", Cc, Some("services"), services::sms),
    post("/service/wechat/applet/url", Cc, Some("services"), services::applet_url),
    post("/service/verify/id_meta", Cc, Some("services"), services::verify_id),
    get("/wgs/report/collection", Ac, Some("reports"), reports::collection),
    get("/wgs/report/details", Ac, Some("reports"), reports::details),
    get("/wgs/report/detail", Ac, Some("reports"), reports::detail),
    get("/wgs/dictionaries", Ac, Some("reports"), reports::dictionaries),
    get("/wgs/merit-cards", Ac, Some("reports"), reports::merit_cards),
    get("/", Open, None, account::root),
];

/// The answer to a request of the platform side.
pub fn answer(world: &Arc<World>, headers: &HeaderMap, request: &Decoded) -> Response<Body> {
    // The two pages that people look at in a browser.
    match (&request.method, request.segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["oauth2", "authorize"]) => return authorize::page(world, request),
        (&Method::GET, ["callback"]) => return authorize::callback(request),
        _ => {}
    }
    let found = ROUTES.iter().find_map(|route| {
        let ids = match_path(route.path, &request.segments)?;
        (route.method == request.method).then_some((route, ids))
    });
    let Some((route, ids)) = found else {
        return not_found(headers, request);
    };
    let options = world.options();
    let gzip_from = options.gzip.then_some(options.gzip_from);
    let result = allowed(world, headers, route).and_then(|token| {
        if let Some(why) = &request.malformed {
            return Err(Refusal::argument("body", why));
        }
        (route.run)(&Call { world, request, ids, token })
    });
    envelope::respond(result, headers, gzip_from)
}

/// The ids that a path holds, if it is the pattern's.
fn match_path<'a>(pattern: &str, segments: &'a [String]) -> Option<Vec<&'a str>> {
    let mut ids = Vec::new();
    let mut actual = segments.iter();
    for wanted in pattern.strip_prefix('/')?.split('/') {
        let segment = actual.next()?;
        match wanted {
            "*" if segment.is_empty() => return None,
            "*" => ids.push(segment.as_str()),
            _ if wanted == segment => {}
            _ => return None,
        }
    }
    actual.next().is_none().then_some(ids)
}

fn not_found(headers: &HeaderMap, request: &Decoded) -> Response<Body> {
    let methods: Vec<_> = ROUTES
        .iter()
        .filter(|route| match_path(route.path, &request.segments).is_some())
        .map(|route| route.method.as_str())
        .collect();
    if methods.is_empty() {
        return envelope::respond(Err(Refusal::http(StatusCode::NOT_FOUND, "接口不存在")), headers, None);
    }
    let refusal = Refusal::http(StatusCode::METHOD_NOT_ALLOWED, "请求方法错误");
    let mut response = envelope::respond(Err(refusal), headers, None);
    if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The caller's token, if the call may be made with it.
fn allowed(world: &World, headers: &HeaderMap, route: &Route) -> Result<Option<Token>, Refusal> {
    if route.grants == Open {
        return Ok(None);
    }
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let raw = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Refusal::bad_token()),
    };
    let token = world.oauth().token(raw).cloned().ok_or_else(Refusal::bad_token)?;
    match (route.grants, token.caller.user) {
        (Ac, None) => return Err(Refusal::no_permission()),
        (Cc, Some(_)) => return Err(Refusal::credentials_only()),
        _ => {}
    }
    if route.scope.is_some_and(|scope| !token.has_scope(scope)) {
        return Err(Refusal::no_permission());
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<String> {
        crate::wire::request::segments(path)
    }

    #[test]
    fn a_star_is_exactly_one_segment() {
        assert_eq!(match_path("/model/*/draft", &segments("/model/a%2Fb/draft")), Some(vec!["a/b"]));
        assert_eq!(match_path("/model/*/draft", &segments("/model/draft")), None);
        assert_eq!(match_path("/samples/*", &segments("/samples/")), None);
        assert_eq!(match_path("/samples/*", &segments("/samples/a/b")), None);
        assert_eq!(match_path("/samples", &segments("/samples")), Some(vec![]));
    }

    #[test]
    fn every_scope_that_is_asked_for_exists() {
        for route in &ROUTES {
            assert!(
                route.scope.is_none_or(|scope| crate::world::tokens::SCOPES.contains(&scope)),
                "{}",
                route.path
            );
        }
    }
}
