//! Credentials that are found, and tokens that processes share. Each program has an environment of its own: the
//! example `call`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Folder, Sandbox, example};

struct Home {
    folder: Folder,
}

impl Home {
    fn new() -> Self {
        let folder = Folder::new("home");
        fs::create_dir(folder.path(".bge")).expect("a folder");
        Home { folder }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.file(&format!(".bge/{name}"), text.as_bytes());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("closed");
        path
    }

    fn command(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(example());
        command.env_clear().env("HOME", self.folder.path("")).args(arguments);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn call(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Value, Value> {
        told(self.command(variables, arguments).output().expect("it runs"))
    }
}

fn told(output: Output) -> Result<Value, Value> {
    let json = |bytes: &[u8]| {
        serde_json::from_slice(bytes)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(bytes)))
    };
    if output.status.success() { Ok(json(&output.stdout)) } else { Err(json(&output.stderr)) }
}

fn profile(sandbox: &Sandbox, section: &str, token: Option<Value>) -> String {
    let mut profile = json!({"OAuth2": {"client_id": sandbox.text(&format!("/{section}/client_id")),
        "client_secret": sandbox.text(&format!("/{section}/client_secret")), "endpoint": sandbox.endpoint()}});
    if let Some(token) = token {
        profile["Token"] = token;
    }
    profile.to_string()
}

#[test]
fn options_come_before_the_environment_and_that_before_the_profile() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    home.file("default.json", &profile(&sandbox, "credentials", None));
    let token = sandbox.text("/access_token");
    let whose = |variables: &[(&str, &str)], options: Value| {
        let options = options.to_string();
        home.call(variables, &["introspect", "{}", &options]).expect("a token")["client_id"].clone()
    };
    let application = Value::from(sandbox.text("/credentials/client_id"));
    assert_eq!(whose(&[], json!({})), application);
    let environment = [("BGE_ACCESS_TOKEN", token), ("BGE_ENDPOINT", sandbox.endpoint())];
    assert_ne!(whose(&environment, json!({})), application);
    let given = json!({"client_id": sandbox.text("/credentials/client_id"),
                       "client_secret": sandbox.text("/credentials/client_secret")});
    assert_eq!(whose(&environment, given), application);
    assert_eq!(whose(&environment, json!({"profile": "default"})), application);
    let pair = [
        ("BGE_CLIENT_ID", sandbox.text("/credentials/client_id")),
        ("BGE_CLIENT_SECRET", sandbox.text("/credentials/client_secret")),
        ("BGE_ENDPOINT", sandbox.endpoint()),
    ];
    assert_eq!(whose(&pair, json!({})), application);
}

#[test]
fn a_profile_is_json_or_the_older_ini_and_the_active_one_is_taken() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    home.file("lab.ini", &format!(
        "[OAuth2]\nclient_id = {}\nclient_secret = {}\nendpoint = {}\n\n[Token]\naccess_token = {}\nexpires_in = 21600\n",
        sandbox.text("/credentials/client_id"), sandbox.text("/credentials/client_secret"), sandbox.endpoint(),
        sandbox.text("/access_token"),
    ));
    home.file("app.json", &profile(&sandbox, "credentials", None));
    home.file("activate_project", "lab\n");
    home.call(&[], &["get_user"]).expect("the user of the INI file's token");
    let failure =
        home.call(&[("BGE_PROFILE", "app")], &["get_user"]).expect_err("an application has no user");
    assert_eq!(failure["code"], 401);
    home.call(&[], &["get_samples", "{}", r#"{"profile": "app"}"#]).expect("samples");
    let failure = home.call(&[], &["get_user", "{}", r#"{"profile": "other"}"#]).expect_err("there is none");
    assert!(failure["message"].as_str().expect("text").contains("other.json"), "{failure}");
    for name in ["../x", ".hidden", ""] {
        let options = json!({ "profile": name }).to_string();
        assert_eq!(
            home.call(&[], &["get_user", "{}", &options]).expect_err("no name")["status"],
            1,
            "{name}"
        );
    }
}

#[test]
fn what_was_looked_at_is_said() {
    let home = Home::new();
    let failure = home.call(&[], &["get_user"]).expect_err("nothing there");
    let message = failure["message"].as_str().expect("text");
    for part in ["options_json", "BGE_ACCESS_TOKEN", "BGE_CLIENT_ID", ".bge/default.json", ".bge/default.ini"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    let failure = home.call(&[("BGE_CLIENT_ID", "x")], &["get_user"]).expect_err("half of it");
    assert!(failure["message"].as_str().expect("text").contains("BGE_CLIENT_SECRET"), "{failure}");
}

#[test]
fn a_malformed_profile_is_named_and_shows_nothing_of_itself() {
    let home = Home::new();
    for (name, text) in [
        ("default.json", r#"{"OAuth2": {"client_id": "x", "client_secret": "canary-secret""#),
        ("default.json", r#"["canary-secret"]"#),
        ("default.json", r#"{"OAuth2": "canary-secret"}"#),
        ("default.json", r#"{"Token": {"refresh_token": "canary-secret"}}"#),
        ("default.json", "{}"),
        ("default.ini", "[OAuth2\nclient_secret = canary-secret"),
    ] {
        let _ = fs::remove_file(home.folder.path(".bge/default.json"));
        home.file(name, text);
        let failure = home.call(&[], &["get_user"]).expect_err(text);
        assert_eq!(failure["status"], 1, "{text}");
        let told = failure.to_string();
        assert!(told.contains(name) && !told.contains("canary"), "{told}");
    }
}

#[test]
fn a_profile_that_others_can_read_is_warned_of() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let path = home.file("default.json", &profile(&sandbox, "credentials", None));
    let log = home.folder.path("log.txt");
    let options = json!({ "log_file": log }).to_string();
    home.call(&[], &["get_samples", "{}", &options]).expect("samples");
    assert!(!fs::read_to_string(&log).expect("a log").contains("warning"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
    home.call(&[], &["get_samples", "{}", &options]).expect("samples");
    let text = fs::read_to_string(&log).expect("a log");
    assert!(text.contains("warning") && text.contains("default.json"), "{text}");
}

#[test]
fn a_stored_refresh_token_is_never_spent() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let token = json!({"access_token": "stale", "token_type": "Bearer", "expires_in": "21600", "scope": "",
                       "refresh_token": "somebody-elses"});
    let path = home.file("default.json", &profile(&sandbox, "authorization", Some(token)));
    let before = fs::read_to_string(&path).expect("the profile");
    let failure = home.call(&[], &["get_user"]).expect_err("stale");
    assert_eq!((failure["status"].as_i64(), failure["code"].as_i64()), (Some(6), Some(403)));
    assert!(failure["message"].as_str().expect("text").contains("bge login"), "{failure}");
    assert!(!sandbox.log().iter().any(|entry| entry["path"] == "/oauth2/access_token"));
    assert_eq!(fs::read_to_string(&path).expect("the profile"), before, "profiles are read only");

    // Without a refresh token, the profile's client credentials take over.
    let token = json!({"access_token": "stale", "token_type": "Bearer", "expires_in": "21600"});
    home.file("default.json", &profile(&sandbox, "credentials", Some(token)));
    home.call(&[], &["get_samples"]).expect("samples");
}

#[test]
fn eight_processes_share_renewals_through_a_token_file() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let file = home.folder.path("token.json");
    let options = json!({"client_id": sandbox.text("/authorization/client_id"),
        "client_secret": sandbox.text("/authorization/client_secret"), "endpoint": sandbox.endpoint(),
        "token_file": file});
    let oauth2 = sandbox.authorization(json!({}));
    let browser = crate::support::browser();
    let url = oauth2.authorization_url(sandbox.text("/redirect_uri"), None, None).expect("a URL");
    let answer =
        browser.get(format!("{url}&{}", sandbox.text("/authorization_extra_query"))).send().expect("a page");
    let back = url::Url::parse(answer.headers()["location"].to_str().expect("text")).expect("a URL");
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let token = oauth2.exchange_code(&code, sandbox.text("/redirect_uri")).expect("a token");
    fs::write(&file, token.to_string()).expect("a file");
    sandbox.expire("access_tokens");
    sandbox.clear_log();
    let children: Vec<_> = (0..8)
        .map(|_| home.command(&[], &["get_user", "{}", &options.to_string()]).spawn().expect("it runs"))
        .collect();
    for child in children {
        told(child.wait_with_output().expect("it ends")).expect("the user");
    }
    let log = sandbox.log();
    let refreshes = log.iter().filter(|entry| entry["path"] == "/oauth2/access_token").count();
    assert_eq!(refreshes, 1, "one of the eight renewed, the others took what it wrote");
    let written: Value = serde_json::from_str(&fs::read_to_string(&file).expect("the file")).expect("JSON");
    assert_ne!(written["refresh_token"], token["refresh_token"]);
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_environments_proxy_is_honoured() {
    let proxy = Sandbox::start(&[]);
    let home = Home::new();
    let token = ("BGE_ACCESS_TOKEN", proxy.text("/access_token"));
    let variables = [token, ("BGE_ENDPOINT", "http://platform.invalid"), ("http_proxy", proxy.endpoint())];
    home.call(&variables, &["get_user"]).expect("through the proxy");
    let direct = [variables[0], variables[1], variables[2], ("no_proxy", "platform.invalid")];
    let failure =
        home.call(&direct, &["get_user", r#"{"$": {"max_retries": 0}}"#]).expect_err("no such host");
    assert_eq!(failure["status"], 2);
}
