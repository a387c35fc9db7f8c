"""Usage: CLIENT_ID=… CLIENT_SECRET=… python3 call_api.py"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import requests

from token_manager import TokenError, TokenManager

API = os.environ.get('API_URL', 'http://localhost:5100')


def main():
    tokens = TokenManager(scope='read')
    with ThreadPoolExecutor(10) as pool:  # ten calls at once, one token request
        answers = list(pool.map(lambda _: tokens.call('GET', f'{API}/resources'), range(10)))
    for name in answers[0].json():
        print(f'- {name}')
    print(f'{len(answers)} calls, {tokens.requests} token request')


if __name__ == '__main__':
    try:
        main()
    except (TokenError, requests.RequestException) as error:
        sys.exit(str(error))
