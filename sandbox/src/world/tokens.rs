//! OAuth2: clients, authorization codes, access tokens and the refresh tokens that rotate.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::world::data::seed::{generator, word};

/// The user that the printed access token and `authorization_extra_query` sign in.
pub const USER: &str = "zhangsan";
/// Somebody else, whose samples `other_biosample_id` is one of.
const USERS: [&str; 2] = [USER, "lisi"];
/// Authorization codes are for immediate use.
const CODE_LIFETIME: Duration = Duration::from_secs(600);
/// The token printed at the start outlives any test.
const PRINTED_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);

/// All there are; a token asked for without `scope` has every one.
pub const SCOPES: [&str; 9] =
    ["profile", "samples", "variants", "microbiome", "files", "streams", "models", "services", "reports"];

/// Who makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `None` for client credentials.
    pub user: Option<&'static str>,
    pub client_id: String,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub caller: Principal,
    pub scope: String,
    expires: Instant,
    expires_unix: u64,
}

impl Token {
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|has| has == scope)
    }
}

#[derive(Debug, Clone)]
pub struct Client {
    pub id: String,
    pub secret: String,
}

#[derive(Debug)]
struct Code {
    redirect_uri: String,
    scope: String,
    user: &'static str,
    expires: Instant,
}

#[derive(Debug)]
struct Refresh {
    scope: String,
    user: &'static str,
}

#[derive(Debug)]
pub struct OAuth {
    pub authorization: Client,
    pub credentials: Client,
    pub printed: String,
    tokens: HashMap<String, Token>,
    codes: HashMap<String, Code>,
    refresh_tokens: HashMap<String, Refresh>,
    refreshes: u64,
    issued: u64,
}

impl OAuth {
    pub fn new(seed: u64) -> OAuth {
        let mut rng = generator(seed, &["clients"]);
        let mut client = || Client { id: word(&mut rng, 24), secret: word(&mut rng, 48) };
        let (authorization, credentials) = (client(), client());
        let printed = word(&mut rng, 40);
        let mut oauth = OAuth {
            authorization,
            credentials,
            printed: printed.clone(),
            tokens: HashMap::new(),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
            refreshes: 0,
            issued: 0,
        };
        let caller = Principal { user: Some(USER), client_id: oauth.authorization.id.clone() };
        oauth.insert(printed, caller, SCOPES.join(" "), PRINTED_LIFETIME);
        oauth
    }

    fn insert(&mut self, token: String, caller: Principal, scope: String, lifetime: Duration) {
        let expires_unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + lifetime;
        let expires = Instant::now() + lifetime;
        self.tokens.insert(token, Token { caller, scope, expires, expires_unix: expires_unix.as_secs() });
    }

    /// The token if it is known and has not expired.
    pub fn token(&self, token: &str) -> Option<&Token> {
        self.tokens.get(token).filter(|token| token.expires > Instant::now())
    }

    /// A one-time code for `user`; `None` if there is no such user.
    pub fn issue_code(&mut self, user: &str, redirect_uri: &str, scope: Option<&str>) -> Option<String> {
        let user = USERS.into_iter().find(|known| *known == user)?;
        let code = random_word(32);
        let scope = scope.filter(|scope| !scope.is_empty()).map_or_else(|| SCOPES.join(" "), str::to_owned);
        let expires = Instant::now() + CODE_LIFETIME;
        self.codes.insert(code.clone(), Code { redirect_uri: redirect_uri.to_owned(), scope, user, expires });
        Some(code)
    }

    /// A token for what the fields of a request prove; `None` for those that prove nothing.
    ///
    /// With `keep_refresh_token` a refresh gives no new refresh token, and the one that was used stays good.
    pub fn exchange(
        &mut self,
        field: impl Fn(&str) -> Option<String>,
        lifetime: u64,
        keep_refresh_token: bool,
    ) -> Option<Value> {
        let (client_id, secret) = (field("client_id")?, field("client_secret")?);
        let is = |client: &Client| client.id == client_id && client.secret == secret;
        match field("grant_type")?.as_str() {
            "authorization_code" if is(&self.authorization) => {
                let (code, redirect_uri) = (field("code")?, field("redirect_uri")?);
                // Used up even when the redirect URI is wrong: whoever holds it then is not who it was meant for.
                let code = self.codes.remove(&code)?;
                if code.redirect_uri != redirect_uri || code.expires <= Instant::now() {
                    return None;
                }
                Some(self.issue(client_id, Some(code.user), code.scope, lifetime))
            }
            "refresh_token" if is(&self.authorization) => {
                let refresh_token = field("refresh_token")?;
                let refresh = self.refresh_tokens.remove(&refresh_token)?;
                self.refreshes += 1;
                let mut issued = self.issue(client_id, Some(refresh.user), refresh.scope.clone(), lifetime);
                if keep_refresh_token {
                    let new =
                        issued.as_object_mut().and_then(|members| members.shift_remove("refresh_token"));
                    self.refresh_tokens.remove(new.as_ref().and_then(Value::as_str).unwrap_or_default());
                    self.refresh_tokens.insert(refresh_token, refresh);
                }
                Some(issued)
            }
            "client_credentials" if is(&self.credentials) => {
                Some(self.issue(client_id, None, SCOPES.join(" "), lifetime))
            }
            _ => None,
        }
    }

    fn issue(
        &mut self,
        client_id: String,
        user: Option<&'static str>,
        scope: String,
        lifetime: u64,
    ) -> Value {
        let access_token = random_word(40);
        self.insert(
            access_token.clone(),
            Principal { user, client_id },
            scope.clone(),
            Duration::from_secs(lifetime),
        );
        self.issued += 1;
        let mut data = json!({"token_type": "Bearer", "access_token": access_token});
        if let Some(user) = user {
            let refresh_token = random_word(40);
            data["refresh_token"] = json!(refresh_token);
            self.refresh_tokens.insert(refresh_token, Refresh { scope: scope.clone(), user });
        }
        data["scope"] = json!(scope);
        data["expires_in"] = json!(lifetime);
        data
    }

    /// What `introspect` says of any token.
    pub fn introspection(&self, token: &str) -> Value {
        match self.token(token) {
            None => json!({"active": false}),
            Some(token) => json!({
                "active": true,
                "client_id": token.caller.client_id,
                "scope": token.scope,
                "token_type": "Bearer",
                "username": token.caller.user,
                "exp": token.expires_unix,
            }),
        }
    }

    /// Lets one access token expire, or all issued so far. The answer is how many did.
    pub fn expire_access_tokens(&mut self, only: Option<&str>) -> usize {
        let now = Instant::now();
        let before = self.tokens.len();
        self.tokens.retain(|name, token| token.expires > now && only.is_some_and(|only| only != name));
        before - self.tokens.len()
    }

    pub fn expire_refresh_tokens(&mut self) -> usize {
        let count = self.refresh_tokens.len();
        self.refresh_tokens.clear();
        count
    }

    pub fn to_json(&self) -> Value {
        let now = Instant::now();
        json!({
            "access_tokens": self.tokens.values().filter(|token| token.expires > now).count(),
            "refresh_tokens": self.refresh_tokens.len(),
            "refreshes": self.refreshes,
            "issued": self.issued,
        })
    }
}

fn random_word(length: usize) -> String {
    word(&mut rand::rng(), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(oauth: &mut OAuth, fields: &[(&str, &str)]) -> Option<Value> {
        oauth.exchange(
            |name| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
            60,
            false,
        )
    }

    #[test]
    fn a_code_works_once_and_only_for_its_redirect_uri() {
        let mut oauth = OAuth::new(1);
        let Client { id, secret } = oauth.authorization.clone();
        let base =
            [("client_id", id.as_str()), ("client_secret", &secret), ("grant_type", "authorization_code")];
        let good = oauth.issue_code(USER, "http://127.0.0.1/cb", None).unwrap();
        let with = |code, uri| [base[0], base[1], base[2], ("code", code), ("redirect_uri", uri)];
        assert!(exchange(&mut oauth, &with(&good, "http://127.0.0.1/cb")).is_some());
        assert_eq!(exchange(&mut oauth, &with(&good, "http://127.0.0.1/cb")), None);
        let other = oauth.issue_code(USER, "http://127.0.0.1/cb", None).unwrap();
        assert_eq!(exchange(&mut oauth, &with(&other, "http://127.0.0.1/other")), None);
        assert!(oauth.issue_code("nobody", "http://127.0.0.1/cb", None).is_none());
    }

    #[test]
    fn a_refresh_token_dies_with_its_use() {
        let mut oauth = OAuth::new(1);
        let Client { id, secret } = oauth.authorization.clone();
        let code = oauth.issue_code(USER, "u", Some("samples")).unwrap();
        let base = [("client_id", id.as_str()), ("client_secret", &secret)];
        let first = exchange(
            &mut oauth,
            &[base[0], base[1], ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", "u")],
        )
        .unwrap();
        let old = first["refresh_token"].as_str().unwrap();
        let refresh = [base[0], base[1], ("grant_type", "refresh_token"), ("refresh_token", old)];
        let second = exchange(&mut oauth, &refresh).unwrap();
        assert_eq!(second["scope"], "samples");
        assert_ne!(second["access_token"], first["access_token"]);
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        assert_eq!(exchange(&mut oauth, &refresh), None);
    }

    #[test]
    fn client_credentials_have_no_refresh_token() {
        let mut oauth = OAuth::new(1);
        let Client { id, secret } = oauth.credentials.clone();
        let fields =
            [("client_id", id.as_str()), ("client_secret", &secret), ("grant_type", "client_credentials")];
        let token = exchange(&mut oauth, &fields).unwrap();
        assert!(token.get("refresh_token").is_none());
        let wrong = [fields[0], ("client_secret", "wrong"), fields[2]];
        assert_eq!(exchange(&mut oauth, &wrong), None);
    }

    #[test]
    fn expiry_takes_all_or_one() {
        let mut oauth = OAuth::new(1);
        let printed = oauth.printed.clone();
        assert!(oauth.token(&printed).is_some());
        assert_eq!(oauth.expire_access_tokens(Some("another")), 0);
        assert!(oauth.token(&printed).is_some());
        assert_eq!(oauth.expire_access_tokens(None), 1);
        assert!(oauth.token(&printed).is_none());
    }
}
