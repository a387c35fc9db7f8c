"""Tokens of one client: cached, renewed before they end, shared by threads."""
import json
import os
import random
import threading
import time
from urllib.parse import quote_plus

import requests

LONGEST_WAIT = 10  # seconds; a quota may be spent for weeks
LONGEST_PAUSE = 3600  # seconds; past it the server is asked again, whatever it said
ATTEMPT = 10  # seconds
MAX_ANSWER = 1_000_000  # bytes
LONGEST_LIFETIME = 30 * 24 * 3600  # seconds

ADVICE = {
    'invalid_client': 'Check CLIENT_ID and CLIENT_SECRET.',
    'invalid_scope': 'Ask only for scopes that the client is registered with.',
    'unauthorized_client': 'The client is not registered for client_credentials.',
}


class TokenError(Exception):
    """No token is to be had; the message says what to do, and holds no secret."""

    def __init__(self, code, retry_after):
        super().__init__(f"Token request failed: {code}. {ADVICE.get(code, 'Try again later.')}")
        self.retry_after = retry_after


class TokenManager:
    def __init__(self, scope='read', issuer=None):
        self._url = (issuer or os.environ.get('AUTH_ISSUER', 'http://localhost:8080')) + '/oauth/token'
        # RFC 6749 section 2.3.1: both are form-encoded before they go into the header
        self._credentials = tuple(quote_plus(os.environ[name]) for name in ('CLIENT_ID', 'CLIENT_SECRET'))
        self._scope = scope
        self._renewal = threading.Lock()  # held during a request; whoever has a good token does not wait for it
        self._held = (None, 0.0, 0.0)  # the token, when to renew it, when it ends: always exchanged as a whole
        self._failure = None
        self._failures = 0
        self._ask_again_at = 0.0
        self.requests = 0

    def get_token(self):
        token, renew_at, expires_at = self._held
        now = time.monotonic()
        if token and now < renew_at:
            return token
        usable = token and now < expires_at
        if not self._renewal.acquire(blocking=not usable):
            return token  # another thread is at it
        try:
            return self._renew_unless_done()
        finally:
            self._renewal.release()

    def invalidate(self, refused):
        """Drops a token that an API has refused, unless another thread has replaced it already."""
        held = self._held
        if held[0] == refused:
            with self._renewal:
                if self._held is held:
                    self._held = (None, 0.0, 0.0)

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

    def _renew_unless_done(self):
        token, renew_at, expires_at = self._held  # another thread may have renewed it, or failed, meanwhile
        now = time.monotonic()
        if token and now < renew_at:
            return token
        usable = token and now < expires_at
        if now < self._ask_again_at:
            if usable:
                return token
            raise self._failure
        try:
            answer = self._request(retries=0 if usable else 4)  # whoever has a good token waits for no retry
        except TokenError as error:
            doubled = min(2 ** self._failures, 30 if usable else 5)
            self._failures += 1
            self._ask_again_at, self._failure = time.monotonic() + max(doubled, min(error.retry_after, LONGEST_PAUSE)), error
            if usable:
                return token  # the server is down: the old token is good for a while
            raise
        lifetime = answer['expires_in']
        ahead = min(300, lifetime / 5) * (1 + random.random() / 5)  # jitter: a fleet must not renew at once
        self._held = (answer['access_token'], now + lifetime - ahead, now + lifetime - min(5, lifetime / 10))
        self._failures, self._ask_again_at = 0, 0.0
        return answer['access_token']

    def _request(self, retries):
        self.requests += 1
        for attempt in range(retries + 1):
            code, asked, passing = 'network_error', 0, True
            try:
                status, headers, answer = self._post()
                if status == 200 and _is_token(answer):
                    return answer
                error = answer.get('error')
                code = 'unexpected_answer' if status == 200 else error if isinstance(error, str) else f'http_{status}'
                passing = status == 429 or status >= 500
                named = headers.get('Retry-After', '')
                asked = int(named[:9]) if named.isdecimal() else 0  # int() refuses thousands of digits
            except requests.RequestException:
                pass
            if not passing or attempt == retries or asked > LONGEST_WAIT:
                raise TokenError(code, asked)
            time.sleep(max(asked, 0.25 * 2 ** attempt) * (1 + random.random() / 5))

    def _post(self):
        """One attempt: the status, the header and the JSON object in the body, or an empty one."""
        deadline = time.monotonic() + ATTEMPT
        with requests.post(self._url, auth=self._credentials, timeout=(5, ATTEMPT), allow_redirects=False, stream=True,
                           data={'grant_type': 'client_credentials', 'scope': self._scope}) as response:
            body = b''
            for chunk in response.iter_content(1):  # byte by byte: requests' own time-out starts anew with each
                body += chunk
                if time.monotonic() > deadline or len(body) > MAX_ANSWER:
                    raise requests.Timeout('the answer does not end')
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        return response.status_code, response.headers, answer if isinstance(answer, dict) else {}


def _is_token(answer):
    token, lifetime = answer.get('access_token'), answer.get('expires_in')
    # type() and not isinstance(): True is an int. JSON may hold 1e999, which is read as infinity.
    return isinstance(token, str) and token and type(lifetime) in (int, float) and 0 < lifetime <= LONGEST_LIFETIME
