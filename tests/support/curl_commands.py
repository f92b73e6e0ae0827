"""Commands that people write, for a real curl and for the import; HOST is where a server listens. Written for these tests."""

from __future__ import annotations

# Files beside the commands.
FILES = {
    "body.txt": b"line one\nline two\r\nend\n",
    "body.json": b'{"a": 1,\n "b": "\xc3\xa9"}\n',
    "bytes.bin": bytes(range(256)),
    "headers.txt": b"X-One: 1\nX-Two: two words\n\n",
    "picture.png": b"\x89PNG\r\n\x1a\nnot really",
    "notes.html": b"<p>hello</p>",
    "noend": b"no ending",
    "empty": b"",
    "a b.txt": b"a space in its name",
    "etag": b'"abc"\n',
}

BASIC = r"""
curl HOST/
curl HOST
curl http://HOST/a/b?c=d
curl 'http://HOST/a?b=c&d=e'
curl "http://HOST/a?b=c&d=e" -s
curl http://HOST/a\?b=c\&d=e
curl http://HOST/a#fragment
curl 'http://HOST/a?b#c?d'
curl HOST?x=1
curl http://HOST/../a/./b/../c
curl http://HOST/a/..
curl --path-as-is http://HOST/../a/./b/../c
curl http://HOST//double//slash
curl 'http://HOST/%7Euser/%2fx'
curl 'http://HOST/café?q=ü'
curl --url http://HOST/u
curl -- http://HOST/after
curl http://HOST/a http://HOST/b
curl http://HOST/a -o /dev/null --url http://HOST/b -o /dev/null
curl HTTP://HOST/upper
curl -X DELETE http://HOST/x
curl -XPATCH http://HOST/x
curl --request PURGE http://HOST/x
curl -X get http://HOST/x
curl -I http://HOST/x
curl --head http://HOST/x
curl -X POST -I http://HOST/x
curl --http1.0 http://HOST/x
curl -0 http://HOST/x
curl --request-target '*' -X OPTIONS http://HOST/x
curl --request-target /other http://HOST/x
curl -r 0-99 http://HOST/x
curl --range 5 http://HOST/x
curl -C 100 http://HOST/x
curl -z 'Sun, 06 Nov 1994 08:49:37 GMT' http://HOST/x
curl -z '-Sun, 06 Nov 1994 08:49:37 GMT' http://HOST/x
curl -e http://r.example/ http://HOST/x
curl --referer 'http://r.example/;auto' http://HOST/x
curl -A agent/1 http://HOST/x
curl -A '' http://HOST/x
curl --user-agent 'Mozilla/5.0 (X11)' -H 'User-Agent: other' http://HOST/x
curl --compressed http://HOST/x
curl -k -L -sS -f --max-redirs 5 --retry 2 --retry-delay 1 -m 30 --connect-timeout 5 http://HOST/x
curl -sSfLk --proto '=http,https' --tlsv1.2 http://HOST/x
curl --no-keepalive --tcp-nodelay --no-alpn http://HOST/x
curl --noproxy '*' -w '%{http_code}' -o /dev/null http://HOST/x
curl -D /dev/null --output /dev/null --stderr /dev/null http://HOST/x
curl -4 --interface lo --limit-rate 1M --max-filesize 10M http://HOST/x
curl --resolve name.example:80:127.0.0.1 http://HOST/x
curl -so/dev/null http://HOST/x
curl -sSLo /dev/null http://HOST/x
""".strip().splitlines()

HEADERS = r"""
curl -H 'X-A: 1' http://HOST/x
curl -H 'X-A:1' -H 'x-a: 2' http://HOST/x
curl --header 'X-A:   spaces   ' http://HOST/x
curl -H 'X-Empty;' http://HOST/x
curl -H 'X-None:' http://HOST/x
curl -H 'Accept:' http://HOST/x
curl -H 'Accept: application/json' http://HOST/x
curl -H 'Host: shop.example' http://HOST/x
curl -H 'no header at all' http://HOST/x
curl -H '' http://HOST/x
curl -H @headers.txt http://HOST/x
curl -HX-A:1 http://HOST/x
curl -H 'X-Colon: a:b:c' http://HOST/x
curl -H 'X-Utf8: grüße' http://HOST/x
curl -H 'Content-Type:' -d a=1 http://HOST/x
curl -H 'content-type: text/plain' -d a=1 http://HOST/x
curl -H 'Authorization: Bearer t' http://HOST/x
curl -u ann:secret http://HOST/x
curl -u ann:se:cret http://HOST/x
curl -u 'ann:' http://HOST/x
curl -u 'änn:pässword' http://HOST/x
curl --user ann:secret -H 'Authorization: Token t' http://HOST/x
curl --basic -u ann:secret http://HOST/x
curl http://ann:secret@HOST/x
curl http://ann%40mail:p%3Aw@HOST/x
curl http://ann@HOST/x
curl -u bob:other http://ann:secret@HOST/x
curl --oauth2-bearer t0k3n http://HOST/x
curl -b 'a=1; b=2' http://HOST/x
curl -b a=1 -b b=2 http://HOST/x
curl --cookie 'a="quoted value"' http://HOST/x
curl -b a=1 -H 'Cookie: c=3' http://HOST/x
curl -c /dev/null -b 'a=1' -j http://HOST/x
curl -vu a:b http://HOST/x
""".strip().splitlines()

DATA = r"""
curl -d a=1 http://HOST/x
curl -d a=1 -d b=2 http://HOST/x
curl -da=1 http://HOST/x
curl --data 'a=1&b=2' http://HOST/x
curl -d '' http://HOST/x
curl --data-raw '' http://HOST/x
curl -d a -d '' http://HOST/x
curl -X PUT -d a=1 http://HOST/x
curl -X GET -d a=1 http://HOST/x
curl --data-raw '@at' http://HOST/x
curl --data-ascii a http://HOST/x
curl --data-binary 'a
b' http://HOST/x
curl -d 'a
b' http://HOST/x
curl -d @body.txt http://HOST/x
curl -d@body.txt http://HOST/x
curl --data-binary @body.txt http://HOST/x
curl --data-binary @bytes.bin -H 'Content-Type: application/octet-stream' http://HOST/x
curl -d x=1 -d @noend http://HOST/x
curl -d @empty http://HOST/x
curl --data-urlencode 'a b&c' http://HOST/x
curl --data-urlencode '=a b&c=d' http://HOST/x
curl --data-urlencode 'q=a b&c=d/é~' http://HOST/x
curl --data-urlencode 'q@body.txt' http://HOST/x
curl --data-urlencode '@body.txt' http://HOST/x
curl --data-urlencode 'a=1' --data-urlencode 'b=2' -d c=3 http://HOST/x
curl --json '{"a": 1}' http://HOST/x
curl --json '{"a":' --json ' 1}' http://HOST/x
curl --json '{}' -H 'Content-Type: application/vnd.x+json' -H 'Accept: text/html' http://HOST/x
curl --json @body.json http://HOST/x
curl --json '{}' -X PUT -H 'X-A: 1' http://HOST/x
curl -G -d a=1 http://HOST/x
curl -G -d a=1 -d b=2 'http://HOST/x?c=3'
curl -G --data-urlencode 'q=a b' http://HOST/x
curl --get --data-urlencode 'q=é/' http://HOST/x
curl -G -d a=1 'http://HOST/x?c=3#frag'
curl -G http://HOST/x
curl -G -I -d a=1 http://HOST/x
curl -G -X POST -d a=1 http://HOST/x
curl --url-query a=1 http://HOST/x
curl --url-query 'q=a b' --url-query '+raw=%20' 'http://HOST/x?c=3'
curl --url-query a=1 -d b=2 http://HOST/x
curl --url-query a=1 -G -d b=2 http://HOST/x
curl -T noend http://HOST/up/
curl -T noend http://HOST/up/name
curl -T 'a b.txt' http://HOST/up/
curl --upload-file body.json -H 'Content-Type: application/json' http://HOST/x
curl -T noend -X POST http://HOST/x
curl -sX POST http://HOST/x -d x=1
curl -sSXPUT http://HOST/x
curl -kd x=1 http://HOST/x
curl -d "it's" -d 'say "hi"' http://HOST/x
curl -d {\"a\":1} http://HOST/x
curl -d "{\"a\":\"\$5\"}" http://HOST/x
curl -d $'a\nb\t\u00e9\'x' http://HOST/x
curl --data-binary $'\x00after' http://HOST/x
curl --data-raw $'caf\xc3\xa9' http://HOST/x
curl --data-raw $'caf\303\251' http://HOST/x
curl --data-raw $'\xff\xfe' http://HOST/x
curl --data-raw $'a\\b\q\cA\e' http://HOST/x
curl --data-raw $"a"b http://HOST/x
""".strip()
# One command ends where the next begins with curl at the start of a line.
DATA_LIST = ["curl" + part for part in ("\n" + DATA).split("\ncurl")[1:]]

FORMS = r"""
curl -F a=1 http://HOST/x
curl -F a=1 -F b=2 http://HOST/x
curl -F 'a=two words ' http://HOST/x
curl -F 'a="quoted; value"' http://HOST/x
curl -F 'a=1;type=text/plain' http://HOST/x
curl -F 'a={"b":1};type=application/json' http://HOST/x
curl -F 'a=x;type=text/plain; charset=utf-8' http://HOST/x
curl -F 'a=x;type=text/plain;charset=utf-8' http://HOST/x
curl -F 'a=content;filename=name.txt' http://HOST/x
curl -F 'a=content;filename="a;b.txt";type=text/csv' http://HOST/x
curl -F 'a=1;headers="X-Part: yes"' http://HOST/x
curl --form-string 'a=@not;a=file' http://HOST/x
curl --form 'na"me=1' http://HOST/x
curl --form-escape -F 'na"me=1' http://HOST/x
curl -F 'é=ü' http://HOST/x
curl -F a= http://HOST/x
curl -F a=@body.txt http://HOST/x
curl -F a=@picture.png http://HOST/x
curl -F a=@noend http://HOST/x
curl -F 'a=@notes.html;type=text/x-other' http://HOST/x
curl -F 'a=@body.txt;filename=other.csv' http://HOST/x
curl -F 'a=@"a b.txt"' http://HOST/x
curl -F 'a=<body.txt' http://HOST/x
curl -F 'a=<body.txt;type=text/plain' http://HOST/x
curl -F 'a=text;encoder=base64' http://HOST/x
curl -X PUT -F a=1 http://HOST/x
curl -F a=1 -H 'X-A: 1' http://HOST/x
curl -F '=nameless' http://HOST/x
curl -F 'a=@-' http://HOST/x < body.txt
curl -H 'Content-Type: multipart/form-data' -F a=1 http://HOST/x
curl -F 'a=x;y=z' http://HOST/x
curl -F 'file=@picture.png;type=image/jpeg;filename="x y.jpg"' http://HOST/x
curl -T - http://HOST/x < body.txt
curl --etag-compare etag http://HOST/x
curl -z 'Jan 2 2020' http://HOST/x
curl http://HOST/x "" -H 'Content-Length: 3' -d abc
""".strip().splitlines()

SCRIPTS = [
    "curl http://HOST/a -d x=1 --next http://HOST/b",
    "curl -d x=1 http://HOST/a -: -X PUT -d y=2 http://HOST/b -H 'X: 1' --next -I http://HOST/c",
    "curl -H 'X: 1' http://HOST/a http://HOST/b --next http://HOST/c",
    "curl 'http://HOST/{one,two}/[1-3]'",
    "curl 'http://HOST/[01-03]' 'http://HOST/[a-c]' 'http://HOST/[0-10:5]'",
    "curl 'http://HOST/x/{a,b}?c={d,e}'",
    "curl -g 'http://HOST/a[1-2]?x[]=1&y={z}'",
    "curl http://HOST/{a,b}",
    'BASE=http://HOST/v1\ncurl $BASE/a\ncurl "$BASE/b?c=${BASE}"',
    "A='two'\ncurl -H \"X: $A words\" http://HOST/x\ncurl -H X:$A http://HOST/y",
    "for i in 1 2 3; do curl http://HOST/$i; done",
    'for i in {1..3}; do\n  curl -s "http://HOST/items/$i"\ndone\ncurl http://HOST/end',
    "for a in x 'y z'; do for b in 1 2; do curl -G --data-urlencode \"a=$a\" -d b=$b http://HOST/; done; done",
    'get() { curl -s "http://HOST/$1" -H "X: $2"; }\nget one 1\nget two 2',
    'function post {\n  curl -X POST "http://HOST/$1" "${@:2}" -d x || true\n}\ncurl http://HOST/before',
    "H=(-H 'X-A: 1' -H 'X-B: two words')\ncurl \"${H[@]}\" http://HOST/x",
    "TOKEN=$(curl -s http://HOST/login -d u=ann)\ncurl http://HOST/after",
    "if curl -sf http://HOST/health; then curl http://HOST/ok; fi",
    "curl http://HOST/a && curl http://HOST/b; curl http://HOST/c | cat > /dev/null",
    "(curl http://HOST/a; curl http://HOST/b) > /dev/null 2>&1",
    "curl http://HOST/a > /dev/null 2>&1\ncurl http://HOST/b 2>/dev/null >/dev/null",
    "curl -d @- http://HOST/x <<EOF\na=1\nb=2\nEOF\ncurl http://HOST/y",
    'curl --data-binary @- http://HOST/x <<\'EOF\'\n{"a": "$NOT"}\nEOF',
    'X=5\ncurl --json @- http://HOST/x <<-EOF\n\t{"x": $X}\n\tEOF',
    "curl -d @- http://HOST/x <<< 'a=1'",
    "echo -n '{\"a\":1}' | curl --json @- http://HOST/x",
    "echo 'a=1' | curl --data-binary @- http://HOST/x",
    "printf '%s' 'a=1' | curl -d @- http://HOST/x",
    "curl -d @- http://HOST/x < body.txt\ncat body.json | curl --json @- http://HOST/y",
    "curl http://HOST/$(echo hi) -d `printf '%s=%s' a 1`",
    "echo -e 'a\\tb' | curl --data-binary @- http://HOST/x",
    'f() { local p=$1; shift; curl http://HOST/$p "$@"; }\nf a -d x=1',
    "cat <<E | curl --data-binary @- http://HOST/x\nhello\nE",
    "curl \\\n  -X POST \\\n  http://HOST/x \\\n  -d a=1 # a comment",
    "# curl http://HOST/commented\ncurl http://HOST/x # curl http://HOST/no",
    "echo curl http://HOST/not; curl http://HOST/x",
    'curl "http://HOST/${PATHNAME:-default}"',
    "bash -c 'curl http://HOST/inner'\neval \"curl http://HOST/evaluated\"",
    "env A=1 curl http://HOST/x\ncommand curl http://HOST/y\ntime curl http://HOST/z 2>/dev/null",
    "case x in x) curl http://HOST/x;; esac",
    "! curl -s http://HOST/x >/dev/null",
    "curl http://HOST/x?a=1&b=2\nwait",
    'export KEY=abc\ncurl -H "X-Key: $KEY" http://HOST/x',
    "set -e\nurl='http://HOST/x'\nargs=\"-d a=1\"\ncurl $args $url",
    "f() {\n  for p in a b; do curl http://HOST/$1/$p; done\n}\nf 1; f 2",
    "curl -X POST http://HOST/x -H 'Content-Type: application/json' -d '{\n  \"a\": \"it'\\''s\"\n}'",
    "curl --fail --silent --show-error --location http://HOST/x --output /dev/null --write-out '%{http_code}\\n'",
]

# ruff: noqa: ISC004
# (what stands on Windows, the same for bash): no cmd.exe is needed to know what curl would get.
WINDOWS = [
    (
        'curl ^"http://HOST/v1?x=1^&y=2^" ^\r\n  -H ^"accept: application/json^" ^\r\n'
        '  --data-raw ^"^{^\\^"name^\\^":^\\^"Ann Lee^\\^"^}^"\r\n',
        """curl 'http://HOST/v1?x=1&y=2' -H 'accept: application/json' --data-raw '{"name":"Ann Lee"}'""",
    ),
    (
        'curl "http://HOST/v1?x=1&y=2" ^\n  -H "accept: */*" ^\n  --data-raw "{\\"a\\":\\"b c\\",\\"d\\":\\"50^%^\\"}" ^\n  --compressed',
        """curl 'http://HOST/v1?x=1&y=2' -H 'accept: */*' --data-raw '{"a":"b c","d":"50%"}' --compressed""",
    ),
    (
        'curl ^"http://HOST/a^%^20b^" ^\r\n  -H ^"x: 100^%^^^" ^\r\n & \r\ncurl ^"http://HOST/second^"',
        "curl http://HOST/a%20b -H 'x: 100%^'; curl http://HOST/second",
    ),
    (
        'curl ^"http://HOST/x^" ^\r\n  --data-raw ^"line one^\r\n\r\nline two^"',
        "curl http://HOST/x --data-raw $'line one\\nline two'",
    ),
    (
        'curl -X POST "http://HOST/x" -d "{""a"":""b""}" ^\r\n -H "X: \\\\server\\share"',
        """curl -X POST http://HOST/x -d '{"a":"b"}' -H 'X: \\\\server\\share'""",
    ),
    (
        'curl "http://HOST/x?a=1&b=2" -X POST -H "X: y" --data-raw "{""a"":""b c"",""n"":[{""d"":1}]}"',
        """curl 'http://HOST/x?a=1&b=2' -X POST -H 'X: y' --data-raw '{"a":"b c","n":[{"d":1}]}'""",
    ),
    ('curl.exe -s "http://HOST/x" `\r\n  -H "X: 1" `\r\n  -d \'a=1\'', "curl -s http://HOST/x -H 'X: 1' -d a=1"),
    (
        '$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = "Agent/1 (Windows)"\n'
        '$session.Cookies.Add((New-Object System.Net.Cookie("a", "1", "/", "127.0.0.1")))\n'
        'Invoke-WebRequest -UseBasicParsing -Uri "http://HOST/v1?x=1&y=2" `\n-Method "POST" `\n-WebSession $session `\n'
        '-Headers @{\n"accept"="application/json"\n  "x-quote"="say `"hi`" `$5"\n} `\n-ContentType "application/json" `\n'
        '-Body "{`"name`":`"Ann`nLee`"}"',
        "curl -X POST 'http://HOST/v1?x=1&y=2' -A 'Agent/1 (Windows)' -b 'a=1' -H 'accept: application/json' "
        "-H 'x-quote: say \"hi\" $5' -H 'Content-Type: application/json' --data-raw $'{\"name\":\"Ann\\nLee\"}'",
    ),
    (
        'Invoke-RestMethod -Uri "http://HOST/x" -Method PUT -ContentType "text/plain" '
        '-Body ([System.Text.Encoding]::UTF8.GetBytes("caf$([char]233)"))\n',
        "curl -X PUT http://HOST/x -H 'Content-Type: text/plain' --data-raw café",
    ),
    ("irm http://HOST/x; iwr 'http://HOST/y?a=1'", "curl http://HOST/x; curl 'http://HOST/y?a=1'"),
]

COMMANDS = [*BASIC, *HEADERS, *DATA_LIST, *FORMS, *SCRIPTS]
