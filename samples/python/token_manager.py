"""Tokens of one client: cached, renewed before they end, shared by threads."""
import os
import random
import threading
import time
from urllib.parse import quote_plus

import requests

LONGEST_WAIT = 10  # seconds; a quota may be spent for weeks

ADVICE = {
    'invalid_client': 'Check CLIENT_ID and CLIENT_SECRET.',
    'invalid_scope': 'Ask only for scopes that the client is registered with.',
    'unauthorized_client': 'The client is not registered for client_credentials.',
}


class TokenError(Exception):
    """No token is to be had; the message says what to do, and holds no secret."""


class TokenManager:
    def __init__(self, scope='read', issuer=None):
        self._url = (issuer or os.environ.get('AUTH_ISSUER', 'http://localhost:8080')) + '/oauth/token'
        # RFC 6749 section 2.3.1: both are form-encoded before they go into the header
        self._credentials = tuple(quote_plus(os.environ[name]) for name in ('CLIENT_ID', 'CLIENT_SECRET'))
        self._scope = scope
        self._lock = threading.Lock()
        self._token = None
        self._renew_at = self._expires_at = 0.0
        self.requests = 0

    def get_token(self):
        with self._lock:  # one request, however many threads wait
            now = time.monotonic()
            if self._token and now < self._renew_at:
                return self._token
            usable = self._token and now < self._expires_at
            try:
                self._renew(now, retries=0 if usable else 4)  # whoever has a good token waits for no retry
            except TokenError:
                if not usable:
                    raise
                self._renew_at = time.monotonic() + 30  # the server is down: the old token is good for a while
            return self._token

    def invalidate(self, refused):
        """Drops a token that an API has refused, unless another thread has replaced it already."""
        with self._lock:
            if self._token == refused:
                self._token = None

    def call(self, method, url, **options):
        """A request with a token; after a 401 one more, with a new one."""
        for attempt in range(2):
            token = self.get_token()
            response = requests.request(method, url, headers={'Authorization': f'Bearer {token}'}, timeout=30, **options)
            if response.status_code != 401:
                break
            self.invalidate(token)
        response.raise_for_status()
        return response

    def _renew(self, now, retries):
        answer = self._request(retries)
        lifetime = answer['expires_in']
        ahead = min(300, lifetime / 5) * (1 + random.random() / 5)  # jitter: a fleet must not renew at once
        self._token = answer['access_token']
        self._renew_at, self._expires_at = now + lifetime - ahead, now + lifetime - 5

    def _request(self, retries):
        self.requests += 1
        for attempt in range(retries + 1):
            code, wait = 'network_error', 0.25 * 2 ** attempt
            try:
                response = requests.post(self._url, auth=self._credentials, timeout=10, allow_redirects=False,
                                         data={'grant_type': 'client_credentials', 'scope': self._scope})
                if response.status_code == 200:
                    return response.json()
                code = _error_code(response)
                if response.status_code != 429 and response.status_code < 500:
                    break
                asked = response.headers.get('Retry-After', '')
                wait = int(asked) if asked.isdecimal() else wait
                if wait > LONGEST_WAIT:
                    break
            except requests.RequestException:
                pass
            if attempt < retries:
                time.sleep(wait * (1 + random.random() / 5))
        raise TokenError(f"Token request failed: {code}. {ADVICE.get(code, 'Try again later.')}")


def _error_code(response):
    try:
        return response.json().get('error', f'http_{response.status_code}')
    except ValueError:
        return f'http_{response.status_code}'
