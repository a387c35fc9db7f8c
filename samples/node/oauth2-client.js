// Tokens of one client: cached, renewed before they end, one request however many callers wait.
const axios = require('axios');

const ADVICE = {
  invalid_client: 'Check CLIENT_ID and CLIENT_SECRET.',
  invalid_scope: 'Ask only for scopes that the client is registered with.',
  unauthorized_client: 'The client is not registered for client_credentials.',
};

const LONGEST_WAIT_MS = 10_000;
const LONGEST_PAUSE_MS = 3_600_000; // past it the server is asked again, whatever it said
const ATTEMPT_MS = 10_000;
const MAX_ANSWER_BYTES = 1_000_000;
const LONGEST_LIFETIME_S = 30 * 24 * 3600;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class OAuth2Client {
  #token = null; // private fields: nothing prints them by accident
  #renewAt = 0;
  #expiresAt = 0;
  #pending = null;
  #failure = null;
  #failures = 0;
  #askAgainAt = 0;
  #config;

  metrics = { requests: 0, successes: 0, errors: 0, totalMs: 0 };

  constructor(config) {
    const url = new URL(config.tokenUrl);
    if (url.protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) {
      throw new Error('The token URL must be https: the secret goes there.');
    }
    this.#config = config;
  }

  async getToken() {
    if (this.#token && Date.now() < this.#renewAt) return this.#token;

    // One request for all; after a failure none for a while, or a server in trouble would be asked by every call.
    const usable = this.#token && Date.now() < this.#expiresAt;
    if (!this.#pending && Date.now() < this.#askAgainAt) {
      if (usable) return this.#token;
      throw this.#failure;
    }
    this.#pending ??= this.#request(usable ? 0 : 4).finally(() => { this.#pending = null; });
    if (!usable) return this.#pending;
    this.#pending.catch(() => {}); // the server may be down: the old token is good for a while
    return this.#token;
  }

  /** Drops a token that an API has refused, unless another caller has replaced it already. */
  invalidate(refused) {
    if (this.#token === refused) this.#token = null;
  }

  /** A request with a token; after a 401 one more, with a new one. */
  async fetch(url, options = {}) {
    for (let attempt = 0; ; attempt++) {
      const token = await this.getToken();
      const response = await fetch(url, { signal: AbortSignal.timeout(30_000), ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
      if (response.status !== 401 || attempt === 1) return response;
      this.invalidate(token);
    }
  }

  async #request(retries) {
    const started = Date.now();
    this.metrics.requests++;
    try {
      const answer = await this.#post(retries);
      const lifetime = answer.expires_in * 1000;
      const ahead = Math.min(5 * 60_000, lifetime / 5) * (1 + Math.random() / 5); // jitter: a fleet must not renew at once
      this.#renewAt = started + lifetime - ahead;
      this.#expiresAt = started + lifetime - Math.min(5000, lifetime / 10);
      this.#token = answer.access_token;
      this.#failures = this.#askAgainAt = 0;
      this.metrics.successes++;
      return this.#token;
    } catch (error) {
      const doubled = Math.min(1000 * 2 ** this.#failures++, this.#token ? 30_000 : 5000);
      this.#askAgainAt = Date.now() + Math.max(doubled, Math.min(error.retryAfterMs ?? 0, LONGEST_PAUSE_MS));
      this.#failure = error;
      this.metrics.errors++;
      throw error;
    } finally {
      this.metrics.totalMs += Date.now() - started;
    }
  }

  async #post(retries) {
    const { tokenUrl, clientId, clientSecret, scope } = this.#config;
    const params = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, ...(scope && { scope }) });
    for (let attempt = 0; ; attempt++) {
      // The signal bounds the whole attempt: axios' own time-out starts anew with every byte. No redirect is followed with the secret.
      const options = { signal: AbortSignal.timeout(ATTEMPT_MS), maxRedirects: 0, maxContentLength: MAX_ANSWER_BYTES, validateStatus: () => true };
      const response = await axios.post(tokenUrl, params, options)
        .catch((error) => ({ status: 0, data: { error: error.code ?? 'network_error' }, headers: {} })); // its own text may hold the request
      const { access_token: token, expires_in: seconds } = response.data ?? {};
      // JSON may hold 1e999, which is read as Infinity.
      const lasts = typeof seconds === 'number' && seconds > 0 && seconds <= LONGEST_LIFETIME_S;
      if (response.status === 200 && typeof token === 'string' && token && lasts) return response.data;

      const code = response.status === 200 ? 'unexpected_answer' : response.data?.error ?? `http_${response.status}`;
      const asked = 1000 * (Number(response.headers['retry-after']) || 0);
      // A quota may be spent for weeks: what must wait that long is told, not waited for.
      const passing = (response.status === 0 || response.status === 429 || response.status >= 500) && asked <= LONGEST_WAIT_MS;
      if (!passing || attempt >= retries) {
        throw Object.assign(new Error(`Token request failed: ${code}. ${ADVICE[code] ?? 'Try again later.'}`), { retryAfterMs: asked });
      }
      // Never before the time that the server names: a timer may end a millisecond too soon.
      await sleep(Math.max(asked, 250 * 2 ** attempt) * (1 + Math.random() / 5) + 5);
    }
  }
}

module.exports = { OAuth2Client };
