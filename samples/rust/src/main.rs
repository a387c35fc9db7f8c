//! Usage: CLIENT_ID=… CLIENT_SECRET=… cargo run
mod tokens;

use std::{env, error::Error, sync::Arc};
use tokens::TokenSource;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = env::var("AUTH_ISSUER").unwrap_or_else(|_| "http://localhost:8080".into());
    let api = env::var("API_URL").unwrap_or_else(|_| "http://localhost:5100".into());
    let tokens = Arc::new(TokenSource::new(
        format!("{issuer}/oauth/token"),
        env::var("CLIENT_ID")?,
        env::var("CLIENT_SECRET")?,
        "read",
    )?);

    // Ten calls at once, one token request.
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (tokens, url) = (tokens.clone(), format!("{api}/resources"));
            tokio::spawn(async move { tokens.get(&url).await?.error_for_status()?.json::<Vec<String>>().await.map_err(tokens::TokenError::from) })
        })
        .collect();
    let mut names = Vec::new();
    let count = calls.len();
    for call in calls {
        names = call.await??;
    }
    for name in names {
        println!("- {name}");
    }
    println!("{count} calls, {} token request", tokens.requests());
    Ok(())
}
