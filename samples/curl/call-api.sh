#!/usr/bin/env bash
# Calls an API with a token that is kept for as long as it lasts, in a file that only its owner reads.
# Usage: CLIENT_ID=… CLIENT_SECRET=… ./call-api.sh
set -euo pipefail
umask 077

issuer=${AUTH_ISSUER:-http://localhost:8080}
api=${API_URL:-http://localhost:5100}
scope=${SCOPE:-read}
# A token is of one issuer, client and scope, and so is its file; an id may hold characters that no file name can.
key=$(printf '%s\n' "$issuer" "$CLIENT_ID" "$scope" | cksum | tr ' ' -)
cache=${TOKEN_CACHE:-${XDG_RUNTIME_DIR:-$HOME}/.authcluster-token-$key}
owner="$issuer $CLIENT_ID $scope"

body=$(mktemp)
header=$(mktemp)
trap 'rm -f "$body" "$header"' EXIT

# In a line of curl's configuration a backslash and a quote are written behind a backslash.
quoted() {
  local text=${1//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

# One token request: its status is printed, the answer is in $body and $header.
post() {
  # The secret goes through standard input: on the command line every user of the machine would see it.
  printf 'data-urlencode = "client_%s"\n' "$(quoted "id=$CLIENT_ID")" "$(quoted "secret=$CLIENT_SECRET")" |
    curl -sS --connect-timeout 5 --max-time 10 -K - -D "$header" -o "$body" -w '%{http_code}' \
      -d grant_type=client_credentials --data-urlencode "scope=$scope" "$issuer/oauth/token" || true
}

# Takes a member out of the JSON object in $body; nothing when it is not there.
member() {
  sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$body"
}

# Asks for a token up to five times, with pauses that double, and never before the time that the server names.
request() {
  local attempt status asked pause life
  for attempt in 1 2 4 8 0; do
    : > "$body"
    : > "$header"
    status=$(post)
    life=$(member expires_in)
    # At most 30 days. More digits than seven would overflow, and one that begins with 0 is octal to the shell.
    if [ "$status" = 200 ] && [ -n "$(member access_token)" ] && [[ $life =~ ^[1-9][0-9]{0,6}$ ]] && [ "$life" -le 2592000 ]; then
      return
    fi
    case $status in 000 | 429 | 5??) ;; *) attempt=0 ;; esac
    asked=$(sed -n 's/^[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]: *\([0-9]\{1,9\}\).*/\1/p' "$header" | tail -n 1)
    pause=$((${asked:-0} > attempt ? ${asked:-0} : attempt))
    if [ "$attempt" = 0 ] || [ "$pause" -gt 10 ]; then # a quota may be spent for weeks: that is told, not waited for
      echo "Token request failed: HTTP $status $(member error)" >&2
      return 1
    fi
    sleep "$pause.$((RANDOM % 900 + 100))"
  done
}

# Answers the token: the kept one while it has 5 minutes, or a fifth of a shorter life, left; else a new one.
token() {
  local now until kept whose life
  now=$(date +%s)
  if [ -r "$cache" ] && { read -r until kept whose < "$cache"; } && [ "$whose" = "$owner" ] && [[ $until =~ ^[0-9]+$ ]] && [ "$until" -gt "$now" ]; then
    echo "$kept"
    return
  fi
  request || return 1
  kept=$(member access_token)
  life=$(member expires_in)
  until=$((now + life - (life / 5 < 300 ? life / 5 : 300)))
  printf '%s %s %s\n' "$until" "$kept" "$owner" > "$cache.$$" && mv "$cache.$$" "$cache"
  echo "$kept"
}

call() {
  local token=$1
  printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -sS --connect-timeout 5 --max-time 30 -K - -o "$body" -w '%{http_code}' "$api/resources"
}

held=$(token)
status=$(call "$held")
if [ "$status" = 401 ]; then # expired or revoked meanwhile: once more with a new one
  rm -f "$cache"
  held=$(token)
  status=$(call "$held")
fi
cat "$body"
echo
[ "$status" = 200 ] || { echo "The API answered $status" >&2; exit 1; }
