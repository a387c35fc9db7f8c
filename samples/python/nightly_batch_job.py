"""A scheduled job. Usage: CLIENT_ID=… CLIENT_SECRET=… python3 nightly_batch_job.py"""
import os
import sys

import requests

from token_manager import TokenError, TokenManager

API = os.environ.get('API_URL', 'http://localhost:5100')


def nightly_batch_job():
    tokens = TokenManager(scope='read write')
    data = tokens.call('GET', f'{API}/resources').json()
    processed = [name.upper() for name in data]
    stored = tokens.call('POST', f'{API}/resources', json=processed).json()
    print(f"Processed {stored['stored']} resources")


if __name__ == '__main__':
    try:
        nightly_batch_job()
    except (TokenError, requests.RequestException) as error:
        sys.exit(str(error))
