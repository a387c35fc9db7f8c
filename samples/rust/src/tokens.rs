//! The token of one client: cached, renewed before it ends, one request however many tasks wait.
use serde::Deserialize;
use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Mutex, MutexGuard,
    },
    time::{Duration, Instant},
};
use tokio::{sync::Mutex as AsyncMutex, time::sleep};

/// A quota may be spent for weeks: what must wait longer than this is told, not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Past this the server is asked again, whatever it said.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

const LONGEST_LIFETIME: u64 = 30 * 24 * 3600; // seconds

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
    /// The server gave no token: the OAuth error code, and how long it asked to be left alone.
    Refused(String, Duration),
    /// The last request failed, with this text, and it is too early for another.
    TooEarly(String),
    Http(reqwest::Error),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code, _) => write!(f, "token request failed: {code}"),
            Self::TooEarly(text) => write!(f, "{text}; it is too early for another request"),
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

#[derive(Clone)] // no Debug: it would print the token
struct Held {
    token: String,
    renew_at: Instant,
    expires_at: Instant,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    failures: u32,
    /// The last failure, and when another request may be made.
    failure: Option<(String, Instant)>,
}

impl State {
    /// The token that can be used, if there is one, and whether a request is due.
    fn present(&self) -> Result<(Option<String>, bool), TokenError> {
        let now = Instant::now();
        if let Some(held) = self.held.as_ref().filter(|held| now < held.renew_at) {
            return Ok((Some(held.token.clone()), false));
        }
        let usable = self.held.as_ref().filter(|held| now < held.expires_at).map(|held| held.token.clone());
        match &self.failure {
            // After a failure none for a while, or a server in trouble would be asked by every call.
            Some((text, until)) if now < *until => match usable {
                Some(token) => Ok((Some(token), false)),
                None => Err(TokenError::TooEarly(text.clone())),
            },
            _ => Ok((usable, true)),
        }
    }
}

pub struct TokenSource {
    http: reqwest::Client,
    url: String,
    client_id: String,
    client_secret: String,
    scope: &'static str,
    state: Mutex<State>,      // held for a moment only
    renewal: AsyncMutex<()>, // held during a request
    requests: AtomicUsize,
}

impl TokenSource {
    pub fn new(url: String, client_id: String, client_secret: String, scope: &'static str) -> Result<Self, TokenError> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self {
            http,
            url,
            client_id,
            client_secret,
            scope,
            state: Mutex::default(),
            renewal: AsyncMutex::new(()),
            requests: AtomicUsize::new(0),
        })
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub async fn token(&self) -> Result<String, TokenError> {
        let (usable, is_due) = self.state().present()?;
        let _turn = match usable {
            Some(token) if !is_due => return Ok(token),
            Some(token) => match self.renewal.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(token), // another task is at it
            },
            None => self.renewal.lock().await,
        };
        let usable = match self.state().present()? {
            (Some(token), false) => return Ok(token), // another task has renewed it meanwhile
            (usable, _) => usable,
        };
        let now = Instant::now();
        // Whoever has a good token waits for no retry.
        let answer = self.request(if usable.is_some() { 0 } else { 4 }).await;
        let mut state = self.state();
        match answer {
            Ok(answer) => {
                let lifetime = Duration::from_secs(answer.expires_in);
                // Jitter: a fleet must not renew at once.
                let ahead = jittered((lifetime / 5).min(Duration::from_secs(300)));
                state.held = Some(Held {
                    token: answer.access_token.clone(),
                    renew_at: now + lifetime - ahead,
                    expires_at: now + lifetime - (lifetime / 10).min(Duration::from_secs(5)),
                });
                (state.failures, state.failure) = (0, None);
                Ok(answer.access_token)
            }
            Err(error) => {
                let longest = Duration::from_secs(if usable.is_some() { 30 } else { 5 });
                let asked = if let TokenError::Refused(_, asked) = &error { *asked } else { Duration::ZERO };
                let pause = Duration::from_secs(1 << state.failures.min(5)).min(longest).max(asked.min(LONGEST_PAUSE));
                state.failures += 1;
                state.failure = Some((error.to_string(), Instant::now() + pause));
                usable.ok_or(error) // the server is down: the old token is good for a while
            }
        }
    }

    /// Drops a token that an API has refused, unless another task has replaced it already.
    pub fn invalidate(&self, refused: &str) {
        let mut state = self.state();
        if state.held.as_ref().map_or(false, |held| held.token == refused) {
            state.held = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Calls an API; after a 401 once more, with a new token.
    pub async fn get(&self, url: &str) -> Result<reqwest::Response, TokenError> {
        let token = self.token().await?;
        let response = self.http.get(url).bearer_auth(&token).send().await?;
        if response.status() != reqwest::StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.invalidate(&token);
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
                Ok(response) if response.status() == reqwest::StatusCode::OK => {
                    return match response.json::<TokenResponse>().await {
                        Ok(answer) if !answer.access_token.is_empty() && (1..=LONGEST_LIFETIME).contains(&answer.expires_in) => Ok(answer),
                        _ => Err(TokenError::Refused("unexpected_answer".into(), Duration::ZERO)),
                    };
                }
                Ok(response) => {
                    let status = response.status();
                    let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
                    let asked = Duration::from_secs(asked.unwrap_or(0).into());
                    let code = response.json::<ErrorResponse>().await.map_or_else(|_| status.to_string(), |body| body.error);
                    if attempt == retries || asked > LONGEST_WAIT || (status.as_u16() != 429 && !status.is_server_error()) {
                        return Err(TokenError::Refused(code, asked));
                    }
                    wait = wait.max(asked);
                }
                Err(error) if attempt == retries => return Err(error.into()),
                Err(_) => {}
            }
            sleep(jittered(wait)).await;
        }
        unreachable!("the loop ends by returning")
    }
}

/// Up to a fifth more, at random.
fn jittered(least: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    least + least / 5 * (random as u32) / 1000
}
