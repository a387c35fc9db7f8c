from environment import CLIENT_ID, CLIENT_SECRET, TOKEN_URL, answer
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

session = OAuth2Session(client=BackendApplicationClient(client_id=CLIENT_ID))
answer(session.fetch_token(TOKEN_URL, client_secret=CLIENT_SECRET, include_client_id=True))
