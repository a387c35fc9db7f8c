import requests
from environment import CLIENT_ID, CLIENT_SECRET, TOKEN_URL, answer

response = requests.post(TOKEN_URL, data={"grant_type": "client_credentials"}, auth=(CLIENT_ID, CLIENT_SECRET), timeout=30)
response.raise_for_status()
answer(response.json())
