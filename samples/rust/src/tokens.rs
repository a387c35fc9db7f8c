//! The token of one client: cached, renewed before it ends, one request however many tasks wait.
use serde::Deserialize;
use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, time::sleep};

/// A quota may be spent for weeks: what must wait longer than this is told, not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

#[derive(Deserialize)] // no Debug: it would print the token
struct TokenResponse {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

#[derive(Debug)]
pub enum TokenError {
    /// The server refused for good: the OAuth error code.
    Refused(String),
    Http(reqwest::Error),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "token request failed: {code}"),
            Self::Http(error) => write!(f, "request failed: {error}"),
        }
    }
}

impl std::error::Error for TokenError {}

impl From<reqwest::Error> for TokenError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

struct Held {
    token: String,
    renew_at: Instant,
    expires_at: Instant,
}

pub struct TokenSource {
    http: reqwest::Client,
    url: String,
    client_id: String,
    client_secret: String,
    scope: &'static str,
    held: Mutex<Option<Held>>,
    requests: AtomicUsize,
}

impl TokenSource {
    pub fn new(url: String, client_id: String, client_secret: String, scope: &'static str) -> Result<Self, TokenError> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, url, client_id, client_secret, scope, held: Mutex::new(None), requests: AtomicUsize::new(0) })
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub async fn token(&self) -> Result<String, TokenError> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        if let Some(held) = held.as_ref().filter(|held| now < held.renew_at) {
            return Ok(held.token.clone());
        }
        // Whoever has a good token waits for no retry.
        let usable = held.as_ref().map_or(false, |held| now < held.expires_at);
        match self.request(if usable { 0 } else { 4 }).await {
            Ok(answer) => {
                let lifetime = Duration::from_secs(answer.expires_in);
                let ahead = (lifetime / 5).min(Duration::from_secs(300));
                let token = answer.access_token;
                *held = Some(Held {
                    token: token.clone(),
                    renew_at: now + lifetime - ahead,
                    expires_at: now + lifetime.saturating_sub(Duration::from_secs(5)),
                });
                Ok(token)
            }
            // The server is down: the old token is good for a while.
            Err(error) => match held.as_mut().filter(|held| now < held.expires_at) {
                Some(held) => {
                    held.renew_at = Instant::now() + Duration::from_secs(30);
                    Ok(held.token.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Drops a token that an API has refused, unless another task has replaced it already.
    pub async fn invalidate(&self, refused: &str) {
        let mut held = self.held.lock().await;
        if held.as_ref().map_or(false, |held| held.token == refused) {
            *held = None;
        }
    }

    /// Calls an API; after a 401 once more, with a new token.
    pub async fn get(&self, url: &str) -> Result<reqwest::Response, TokenError> {
        let token = self.token().await?;
        let response = self.http.get(url).bearer_auth(&token).send().await?;
        if response.status() != reqwest::StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.invalidate(&token).await;
        Ok(self.http.get(url).bearer_auth(self.token().await?).send().await?)
    }

    async fn request(&self, retries: u32) -> Result<TokenResponse, TokenError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scope", self.scope),
        ];
        for attempt in 0u32.. {
            let mut wait = Duration::from_millis(250 << attempt);
            match self.http.post(&self.url).form(&form).send().await {
                Ok(response) if response.status().is_success() => return Ok(response.json().await?),
                Ok(response) => {
                    let status = response.status();
                    if let Some(asked) = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok()) {
                        wait = Duration::from_secs(asked);
                    }
                    let too_long = wait > LONGEST_WAIT;
                    let code = response.json::<ErrorResponse>().await.map_or_else(|_| status.to_string(), |body| body.error);
                    if attempt == retries || too_long || (status.as_u16() != 429 && !status.is_server_error()) {
                        return Err(TokenError::Refused(code));
                    }
                }
                Err(error) if attempt == retries => return Err(error.into()),
                Err(_) => {}
            }
            sleep(wait).await;
        }
        unreachable!("the loop ends by returning")
    }
}
