import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from environment import CLIENT_ID, CLIENT_SECRET, METADATA_URL, answer

metadata = requests.get(METADATA_URL, timeout=30).json()
session = OAuth2Session(CLIENT_ID, CLIENT_SECRET, token_endpoint_auth_method="client_secret_basic")
token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")

keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
claims = jwt.decode(
    token["access_token"],
    keys,
    claims_options={
        "iss": {"essential": True, "value": metadata["issuer"]},
        "aud": {"essential": True, "value": metadata["issuer"]},
        "exp": {"essential": True},
    },
)
claims.validate()
assert claims.header["typ"] == "at+jwt"
answer({"access_token": token["access_token"], "claims": claims})
