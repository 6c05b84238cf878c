//! OAuth2: the page, the three exchanges, expiry, rotation, scopes, grants.

mod common;

use common::{Sandbox, parameter};
use serde_json::{Value, json};

fn sign_in(sandbox: &Sandbox, more: &str) -> Value {
    let extra = sandbox.text("authorization_extra_query");
    let redirect = sandbox.authorize(&format!("&{extra}{more}"));
    assert_eq!(redirect.status, 302);
    let code = parameter(redirect.header("location"), "code").unwrap();
    let uri = sandbox.text("redirect_uri");
    let fields =
        [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", uri.as_str())];
    sandbox.token("authorization", &fields).data()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn the_page_redirects_with_code_and_state_to_a_uri_that_the_sandbox_serves() {
    let sandbox = Sandbox::start(&[]);
    let extra = sandbox.text("authorization_extra_query");
    let redirect = sandbox.authorize(&format!("&state=a%20b%26c&{extra}"));
    assert_eq!(redirect.status, 302);
    let location = redirect.header("location").to_owned();
    assert!(location.starts_with(&sandbox.text("redirect_uri")), "{location}");
    assert_eq!(parameter(&location, "state").unwrap(), "a+b%26c");
    let page = sandbox.get_url(&location);
    assert_eq!(page.status, 200);
    assert!(page.text.contains(&parameter(&location, "code").unwrap()));
}

#[test]
fn without_the_extra_query_a_person_is_asked() {
    let sandbox = Sandbox::start(&[]);
    let page = sandbox.authorize("&state=%22%3E%3Cscript%3E");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text.contains("<form") && page.text.contains("name=\"login\""), "{}", page.text);
    assert!(!page.text.contains("<script>"));
    assert_eq!(sandbox.authorize("&login=nobody&approve=1").status, 200);
    let refused = sandbox.authorize("&login=zhangsan&approve=0&state=s");
    assert_eq!(parameter(refused.header("location"), "error").unwrap(), "access_denied");
    assert_eq!(parameter(refused.header("location"), "state").unwrap(), "s");
}

#[test]
fn a_wrong_client_or_a_foreign_redirect_uri_gets_no_code() {
    let sandbox = Sandbox::start(&[]);
    let extra = sandbox.text("authorization_extra_query");
    let id = sandbox.ready["authorization"]["client_id"].as_str().unwrap();
    for (client, uri) in [("wrong", "http%3A%2F%2F127.0.0.1%2F"), (id, "http%3A%2F%2Ftest.cn%2F"), (id, "")] {
        let url =
            format!("/oauth2/authorize?client_id={client}&response_type=code&redirect_uri={uri}&{extra}");
        let page = sandbox.get_url(&sandbox.url(&url));
        assert_eq!((page.status, page.header("location")), (400, ""), "{client} {uri}");
    }
}

#[test]
fn a_code_is_good_once_and_for_its_redirect_uri() {
    let sandbox = Sandbox::start(&[]);
    let extra = sandbox.text("authorization_extra_query");
    let uri = sandbox.text("redirect_uri");
    let code = || parameter(sandbox.authorize(&format!("&{extra}")).header("location"), "code").unwrap();
    let exchange = |code: &str, uri: &str| {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", uri)];
        sandbox.token("authorization", &fields)
    };
    let first = code();
    let data = exchange(&first, &uri).data();
    assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(21_600)));
    assert!(data["scope"].as_str().unwrap().split(' ').any(|scope| scope == "samples"));
    let again = exchange(&first, &uri);
    assert_eq!((again.status, again.code()), (200, 400));
    assert_eq!(again.json()["msg"], "错误的请求");
    assert_eq!(exchange(&code(), "http://127.0.0.1/else").code(), 400);
    assert_eq!(exchange("code", &uri).code(), 400);
    assert_eq!(exchange("", &uri).code(), 400);
}

#[test]
fn refreshing_rotates_the_refresh_token() {
    let sandbox = Sandbox::start(&[]);
    let refresh = |token: &str| {
        sandbox.token("authorization", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let first = sign_in(&sandbox, "&scope=profile%20samples");
    let second = refresh(&string(&first["refresh_token"])).data();
    assert_ne!(first["access_token"], second["access_token"]);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(second["scope"], "profile samples");
    assert_eq!(refresh(&string(&first["refresh_token"])).code(), 400);
    assert_eq!(sandbox.get_as(&string(&second["access_token"]), "/profile", &[]).code(), 0);
    let state = sandbox.state();
    assert_eq!((&state["oauth"]["refreshes"], &state["oauth"]["refresh_tokens"]), (&json!(1), &json!(1)));
    sandbox.control("POST", "expire", json!({"what": "refresh_tokens"}));
    assert_eq!(refresh(&string(&second["refresh_token"])).code(), 400);
}

#[test]
fn client_credentials_have_no_refresh_token_and_clients_keep_to_their_grants() {
    let sandbox = Sandbox::start(&[]);
    let data = sandbox.token("credentials", &[("grant_type", "client_credentials")]).data();
    let names: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["token_type", "access_token", "scope", "expires_in"]);
    assert_eq!(sandbox.token("authorization", &[("grant_type", "client_credentials")]).code(), 400);
    assert_eq!(sandbox.token("credentials", &[("grant_type", "password")]).code(), 400);
    assert_eq!(sandbox.token("credentials", &[]).code(), 400);
    let id = sandbox.ready["credentials"]["client_id"].as_str().unwrap();
    let form = [("client_id", id), ("client_secret", "wrong"), ("grant_type", "client_credentials")];
    assert_eq!(sandbox.post_as("", "/oauth2/access_token", &form).code(), 400);
}

#[test]
fn tokens_expire_by_time_and_on_demand() {
    let sandbox = Sandbox::start(&[]);
    let good = sandbox.credentials_token();
    sandbox.options(json!({"token_lifetime": 0}));
    let data = sandbox.token("credentials", &[("grant_type", "client_credentials")]).data();
    assert_eq!(data["expires_in"], 0);
    let late = sandbox.get_as(&string(&data["access_token"]), "/samples", &[]);
    assert_eq!((late.status, late.code()), (200, 403));
    assert_eq!(late.json()["msg"], "access_token 已失效或错误");
    assert_eq!(sandbox.get_as(&good, "/samples", &[]).code(), 0);
    sandbox.control("POST", "expire", json!({"what": "access_tokens", "token": good}));
    assert_eq!(sandbox.get_as(&good, "/samples", &[]).code(), 403);
    assert_eq!(sandbox.get("/samples", &[]).code(), 0);
    sandbox.control("POST", "expire", json!({"what": "access_tokens"}));
    assert_eq!(sandbox.get("/samples", &[]).code(), 403);
}

#[test]
fn a_wrong_token_and_none_get_403_whatever_the_call() {
    let sandbox = Sandbox::start(&[]);
    for path in
        ["/profile", "/samples", "/oauth2/introspect", "/wgs/dictionaries", "/model/unknown", "/task/x"]
    {
        assert_eq!(sandbox.get_as("demo", path, &[]).code(), 403, "{path}");
    }
    assert_eq!(sandbox.get_url(&sandbox.url("/profile")).code(), 403);
    assert_eq!(sandbox.get_url(&sandbox.url("/ping")).text, "pong");
}

#[test]
fn a_scope_that_was_not_granted_is_401() {
    let sandbox = Sandbox::start(&[]);
    let token = string(&sign_in(&sandbox, "&scope=profile")["access_token"]);
    assert_eq!(sandbox.get_as(&token, "/profile", &[]).code(), 0);
    let refused = sandbox.get_as(&token, "/samples", &[]);
    assert_eq!((refused.status, refused.code()), (200, 401));
    assert_eq!(refused.json()["msg"], "无访问权限");
}

#[test]
fn calls_of_the_other_grant_are_401_or_40014() {
    let sandbox = Sandbox::start(&[]);
    let credentials = sandbox.credentials_token();
    let meta = sandbox.text("meta_biosample_id");
    let own = [("biosample_id", meta.as_str()), ("catalog", "go"), ("data_type", "list"), ("domain", "pgx")];
    for path in [
        "/profile",
        "/microbiome/taxon_abundance",
        "/microbiome/func_abundance",
        "/microbiome/gene_abundance",
        "/wgs/report/collection",
        "/wgs/report/details",
        "/wgs/report/detail",
        "/wgs/dictionaries",
        "/wgs/merit-cards",
    ] {
        assert_eq!(sandbox.get_as(&credentials, path, &own).code(), 401, "{path}");
    }
    for path in [
        "/datamall/phenotype/write",
        "/sms/send",
        "/service/wechat/applet/url",
        "/service/verify/id_meta",
        "/ferry/download_to_oss",
    ] {
        let refused = sandbox.post(path, &[]);
        assert_eq!(refused.code(), 40014, "{path}");
        assert_eq!(refused.json()["msg"], "本接口不支持授权码模式的应用访问");
    }
}

#[test]
fn introspection_tells_whose_token_it_is() {
    let sandbox = Sandbox::start(&[]);
    let printed = sandbox.text("access_token");
    let mine = sandbox.get("/oauth2/introspect", &[("token", &printed)]).data();
    assert_eq!(
        (&mine["active"], &mine["client_id"]),
        (&json!(true), &sandbox.ready["authorization"]["client_id"])
    );
    let credentials = sandbox.credentials_token();
    let theirs = sandbox.get_as(&credentials, "/oauth2/introspect", &[("token", &credentials)]).data();
    assert_eq!(theirs["client_id"], sandbox.ready["credentials"]["client_id"]);
    assert_eq!(sandbox.get("/oauth2/introspect", &[("token", "unknown")]).data(), json!({"active": false}));
    assert_eq!(sandbox.get("/oauth2/introspect", &[]).code(), 41001);
}
