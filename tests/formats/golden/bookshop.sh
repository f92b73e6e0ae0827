#!/usr/bin/env bash
# Order a book
# Written by What-If Gateway 1.2.3. Send it elsewhere: BASE_URL=http://127.0.0.1:9000 bash THIS_FILE
set -eu

OPTIONS=(--silent --show-error --include --globoff --path-as-is --http1.1)
step() { printf '\n== %s\n' "$1" >&2; }

BASE_URL=${BASE_URL:-http://127.0.0.1:8080}

# The recording keeps secrets sealed. Give them back as they were: SECRET_1=... bash THIS_FILE
SECRET_1="${SECRET_1:-}"
[ -n "$SECRET_1" ] || echo 'SECRET_1 is empty; it stands for the body of step 1' >&2
SECRET_2="${SECRET_2:-}"
[ -n "$SECRET_2" ] || echo 'SECRET_2 is empty; it stands for header Authorization of step 3' >&2

step '1 POST /api/users/login at users @qa, recorded: 200 OK'
curl "${OPTIONS[@]}" \
  --request POST \
  --url "$BASE_URL"/api/users/login \
  --header 'Content-Type: application/json' \
  --header Accept: \
  --header User-Agent: \
  --header Expect: \
  --data-raw '{"user": "ada", "password": "'"$SECRET_1"'"}'

step '2 GET /api/catalogue/boo…=fr&q=caf%C3%A9+noir&empty= at catalogue @qa, recorded: 200 OK'
curl "${OPTIONS[@]}" \
  --request GET \
  --url "$BASE_URL"'/api/catalogue/books/978-1?lang=fr&q=caf%C3%A9+noir&empty=' \
  --header 'Cookie: shop=1; theme=dark' \
  --header Accept: \
  --header User-Agent: \
  --compressed

# Orders the book
step '3 POST /api/orders/orders at orders @qa, recorded: 201 Created'
curl "${OPTIONS[@]}" \
  --request POST \
  --url "$BASE_URL"/api/orders/orders \
  --header 'Accept: */*' \
  --header 'Authorization: Bearer '"$SECRET_2" \
  --header 'Content-Type: application/x-www-form-urlencoded' \
  --header User-Agent: \
  --header Expect: \
  --data-raw 'isbn=978-1&gift=it%27s+yours'

step '4 PUT /api/orders/orders/501/cover at orders @qa, recorded: 204 No Content'
base64 -d <<'END' | curl "${OPTIONS[@]}" \
  --request PUT \
  --url "$BASE_URL"/api/orders/orders/501/cover \
  --header 'Content-Type: image/png' \
  --header Accept: \
  --header User-Agent: \
  --header Expect: \
  --data-binary @-
iVBORw0KGgoA/w==
END

step '5 GET /api/orders/orders/501 at orders @test, recorded: 404 Not Found'
curl "${OPTIONS[@]}" \
  --request GET \
  --url "$BASE_URL"/api/orders/orders/501 \
  --header 'Accept: */*' \
  --header User-Agent:

step '6 POST /api/payments/orders/501/payments at payments @qa, recorded: 502 connection refused'
curl "${OPTIONS[@]}" \
  --request POST \
  --url "$BASE_URL"/api/payments/orders/501/payments \
  --header 'Accept: */*' \
  --header Content-Type: \
  --header User-Agent: \
  --header Expect: \
  --data-raw '{}'

step 'skipped, the recording kept 4 of 4096 bytes of its body: 7 PUT /api/orders/big at orders @qa, recorded: 200 OK'

step 'skipped, curl does not speak WebSocket: 8 GET /api/orders/stock at orders @qa, recorded: 101 Switching Protocols'

step '9 HEAD /catalog/books/1 at gateway, recorded: 404 Not Found'
curl "${OPTIONS[@]}" \
  --head \
  --url "$BASE_URL"/catalog/books/1 \
  --header 'Accept: */*' \
  --header User-Agent:
