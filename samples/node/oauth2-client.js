// Tokens of one client: cached, renewed before they end, one request however many callers wait.
const axios = require('axios');

const ADVICE = {
  invalid_client: 'Check CLIENT_ID and CLIENT_SECRET.',
  invalid_scope: 'Ask only for scopes that the client is registered with.',
  unauthorized_client: 'The client is not registered for client_credentials.',
};

const LONGEST_WAIT_MS = 10_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class OAuth2Client {
  #token = null; // private fields: nothing prints them by accident
  #renewAt = 0;
  #expiresAt = 0;
  #pending = null;
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

    // One request for all. A token that still works is handed out while its successor is on the way.
    this.#pending ??= this.#request().finally(() => { this.#pending = null; });
    if (this.#token && Date.now() < this.#expiresAt) {
      this.#pending.catch(() => {}); // the server is down: the old token is good for a while
      return this.#token;
    }
    return this.#pending;
  }

  /** Drops a token that an API has refused, unless another caller has replaced it already. */
  invalidate(refused) {
    if (this.#token === refused) this.#token = null;
  }

  /** A request with a token; after a 401 one more, with a new one. */
  async fetch(url, options = {}) {
    for (let attempt = 0; ; attempt++) {
      const token = await this.getToken();
      const response = await fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
      if (response.status !== 401 || attempt === 1) return response;
      this.invalidate(token);
    }
  }

  async #request() {
    const started = Date.now();
    this.metrics.requests++;
    try {
      const answer = await this.#post();
      const lifetime = answer.expires_in * 1000;
      const ahead = Math.min(5 * 60_000, lifetime / 5) * (1 + Math.random() / 5); // jitter: a fleet must not renew at once
      this.#renewAt = started + lifetime - ahead;
      this.#expiresAt = started + lifetime - 5000;
      this.#token = answer.access_token;
      this.metrics.successes++;
      return this.#token;
    } catch (error) {
      this.metrics.errors++;
      throw error;
    } finally {
      this.metrics.totalMs += Date.now() - started;
    }
  }

  async #post(maxRetries = 4) {
    const { tokenUrl, clientId, clientSecret, scope } = this.#config;
    const params = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, ...(scope && { scope }) });
    for (let attempt = 0; ; attempt++) {
      const response = await axios.post(tokenUrl, params, { timeout: 10_000, maxRedirects: 0, validateStatus: () => true })
        .catch((error) => ({ status: 0, data: { error: error.code ?? 'network_error' }, headers: {} })); // its own text may hold the request
      if (response.status === 200) return response.data;

      const code = response.data?.error ?? `http_${response.status}`;
      const asked = Number(response.headers['retry-after']) * 1000;
      // A quota may be spent for weeks: what must wait that long is told, not waited for.
      const passing = (response.status === 0 || response.status === 429 || response.status >= 500) && !(asked > LONGEST_WAIT_MS);
      if (!passing || attempt === maxRetries) throw new Error(`Token request failed: ${code}. ${ADVICE[code] ?? 'Try again later.'}`);
      await sleep((asked || 250 * 2 ** attempt) * (1 + Math.random() / 5));
    }
  }
}

module.exports = { OAuth2Client };
