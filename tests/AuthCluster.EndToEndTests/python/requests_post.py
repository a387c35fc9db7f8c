import requests
from environment import CLIENT_ID, CLIENT_SECRET, TOKEN_URL, answer

form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
response = requests.post(TOKEN_URL, data=form, timeout=30)
response.raise_for_status()
answer(response.json())
