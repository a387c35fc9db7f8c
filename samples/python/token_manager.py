"""Tokens of one client: cached, renewed before they end, shared by threads."""
import os
import random
import threading
import time

import requests

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
        self._credentials = (os.environ['CLIENT_ID'], os.environ['CLIENT_SECRET'])
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
            try:
                self._renew(now)
            except TokenError:
                if not self._token or now >= self._expires_at:
                    raise
                self._renew_at = now + 30  # the server is down: the old token is good for a while
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

    def _renew(self, now):
        answer = self._request()
        lifetime = answer['expires_in']
        ahead = min(300, lifetime / 5) * (1 + random.random() / 5)  # jitter: a fleet must not renew at once
        self._token = answer['access_token']
        self._renew_at, self._expires_at = now + lifetime - ahead, now + lifetime - 5

    def _request(self, retries=4):
        self.requests += 1
        for attempt in range(retries + 1):
            code, wait = 'network_error', None
            try:
                response = requests.post(self._url, auth=self._credentials, timeout=10, allow_redirects=False,
                                         data={'grant_type': 'client_credentials', 'scope': self._scope})
                if response.status_code == 200:
                    return response.json()
                code = _error_code(response)
                if response.status_code != 429 and response.status_code < 500:
                    break
                wait = response.headers.get('Retry-After')
            except requests.RequestException:
                pass
            if attempt < retries:
                time.sleep((int(wait) if wait else 0.25 * 2 ** attempt) * (1 + random.random() / 5))
        raise TokenError(f"Token request failed: {code}. {ADVICE.get(code, 'Try again later.')}")


def _error_code(response):
    try:
        return response.json().get('error', f'http_{response.status_code}')
    except ValueError:
        return f'http_{response.status_code}'
