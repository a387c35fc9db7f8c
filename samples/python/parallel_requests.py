"""Many requests at once with one token. Usage: CLIENT_ID=… CLIENT_SECRET=… python3 parallel_requests.py"""
import asyncio
import os

import aiohttp

from token_manager import TokenManager

API = os.environ.get('API_URL', 'http://localhost:5100')


async def make_parallel_requests(urls, token):
    async def fetch(session, url):
        async with session.get(url) as response:  # leaving the block gives the connection back
            response.raise_for_status()
            return await response.json()

    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers={'Authorization': f'Bearer {token}'}, timeout=timeout) as session:
        return await asyncio.gather(*(fetch(session, url) for url in urls))


async def main():
    token = await asyncio.to_thread(TokenManager(scope='read').get_token)
    results = await make_parallel_requests([f'{API}/resources'] * 3, token)
    print(f'{len(results)} answers, {sum(map(len, results))} resources')


if __name__ == '__main__':
    asyncio.run(main())
