import base64
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kfi.ingestion.redaction import Redactor
from kfi.ingestion.secrets.blocks import opens
from kfi.ingestion.secrets.lines import hints
from kfi.ingestion.secrets.names import kind_of_name

PLACEHOLDER = re.compile(r"<secret:[0-9a-f]{8}>")


@pytest.fixture
def redactor():
    return Redactor(b"0123456789abcdef0123456789abcdef")


def shown(redactor: Redactor, text: str) -> str:
    """Give the text as it is stored, with every placeholder as `#`."""
    return "\n".join(PLACEHOLDER.sub("#", line) for line in redactor.lines(text.split("\n")))


MASKED = [
    # what stands behind a name
    ("password=w1nesap", "password=#"),
    ("      DB_PASSWORD:  w1nesap", "      DB_PASSWORD:  #"),
    ("  password: correct horse battery", "  password: #"),
    ('        "password": "wi\\"nesap",', '        "password": "#",'),
    ("spring.datasource.password = w1nesap", "spring.datasource.password = #"),
    ("password: w1nesap  # rotate me", "password: #  # rotate me"),
    ("{'passwd': 'w1nesap', 'user': 'cart'}", "{'passwd': '#', 'user': 'cart'}"),
    ("PGPASSWORD=w1nesap psql -h db", "PGPASSWORD=# psql -h db"),
    ("Server=db;Password=w1nesap;User=cart", "Server=db;Password=#;User=cart"),
    ("map[password:w1nesap user:cart]", "map[password:# user:cart]"),
    ('level=info msg="login" token=abc123 user=cart', 'level=info msg="login" token=# user=cart'),
    ("GET /orders?token=abc123&page=2", "GET /orders?token=#&page=2"),
    ('err="dial failed, password=\\"w1nesap\\" rejected"', 'err="dial failed, password=\\"#\\" rejected"'),
    (
        '{"log":"{\\"apiKey\\":\\"w1nesap\\"}\\n","stream":"stdout"}',
        '{"log":"{\\"apiKey\\":\\"#\\"}\\n","stream":"stdout"}',
    ),
    ("connecting with password: w1nesap for cart", "connecting with password: # for cart"),
    ("--admin-password w1nesap --user cart", "--admin-password # --user cart"),
    ('["serve", "--token", "abc123"]', '["serve", "--token", "#"]'),
    ("client_secret=orchard-client", "client_secret=#"),
    ("secret: w1nesap", "secret: #"),
    ("  .dockerconfigjson: eyJhdXRocyI6e319", "  .dockerconfigjson: #"),
    ('"registry.orchard": {"auth": "Y2FydDp3MW5lc2Fw"}', '"registry.orchard": {"auth": "#"}'),
    ("    client-key-data: c29tZSBrZXk=", "    client-key-data: #"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfi", "aws_secret_access_key = #"),
    ('{"name":"DB_PASSWORD","value":"w1nesap"}', '{"name":"DB_PASSWORD","value":"#"}'),
    ("{Name:DB_PASSWORD Value:w1nesap ValueFrom:nil}", "{Name:DB_PASSWORD Value:# ValueFrom:nil}"),
    # what has a shape of its own
    ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYXJ0In0.abc-def_1", "got #"),
    ("key AKIAABCDEFGHIJKLMNOP used", "key # used"),
    ("AIza" + "b" * 35, "#"),
    ("pushing with ghp_" + "a1" * 18, "pushing with #"),
    ("glpat-" + "a1" * 10, "#"),
    ("xoxb-123456789012-abcdef", "#"),
    ("sk_" + "live_abcdefghij0123", "#"),
    ("//registry.npmjs.org/:_authToken=npm_" + "a1" * 18, "//registry.npmjs.org/:_authToken=#"),
    ("dckr_pat_" + "a1" * 12, "#"),
    ("sha256~" + "a1" * 22, "#"),
    ("Authorization: Bearer w1nesap-42", "Authorization: Bearer #"),
    ('"Authorization": "Basic Y2FydDp3MW5lc2Fw"', '"Authorization": "Basic #"'),
    ("Cookie: session=abc; theme=dark", "Cookie: #"),
    ("postgres://cart:w1nesap@db.orchard:5432/cart", "postgres://cart:#@db.orchard:5432/cart"),
    ("redis://:w1ne@sap@cache:6379/0", "redis://:#@cache:6379/0"),
    ("cart:w1nesap@tcp(db:3306)/cart", "cart:#@tcp(db:3306)/cart"),
    ("https://cart:w1nesap@git.orchard/x.git", "https://cart:#@git.orchard/x.git"),
    ("kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef", "kubeadm join 10.0.0.1:6443 --token #"),
    ("mysqladmin ping -ucart -pw1nesap", "mysqladmin ping -ucart -p#"),
    ("curl -u cart:w1nesap http://orders", "curl -u cart:# http://orders"),
    ("CREATE USER cart IDENTIFIED BY 'w1nesap'", "CREATE USER cart IDENTIFIED BY '#'"),
    ("https://blobs/x?sv=1&sig=abcdef0123%3D&se=2", "https://blobs/x?sv=1&sig=#&se=2"),
    ("signing in with s.abcdEFGH0123ijklMNOP4567 to vault", "signing in with # to vault"),
    ("shpat_" + "a1" * 16, "#"),
    ('auth="Basic Y2FydDp3MW5lc2Fw"', 'auth="Basic #"'),
    (
        'Authorization: Digest username="cart", response="0123456789abcdef"',
        'Authorization: Digest username="cart", response="#"',
    ),
    ("AUTH w1nesapRusset42Gala", "AUTH #"),
    ("jdbc:oracle:thin:cart/w1nesap@//db:1521/x", "jdbc:oracle:thin:cart/#@//db:1521/x"),
    ("db:5432:cart:cart:w1nesap", "db:5432:cart:cart:#"),
    ("docker login -u cart -p w1nesap registry.orchard", "docker login -u cart -p # registry.orchard"),
    # what stands apart from its name
    ("the password is w1nesap42", "the password is #"),
    ("password for user cart: w1nesap42", "password for user cart: #"),
    ("new token set to 'w1nesap42'", "new token set to '#'"),
    ("secret is NejzqYOXNLXIjv", "secret is #"),
    ("using api key R4mblerG0ldRusset9x", "using api key #"),
    ("api key: w1nesap", "api key: #"),
    ("PASSWORD\tw1nesap", "PASSWORD\t#"),
    ("bindpw: w1nesap", "bindpw: #"),
    ("  redisAuth: w1nesap42", "  redisAuth: #"),
    ('{"password": {"value": "w1nesap"}}', '{"password": {"value": "#"}}'),
    ('{"tokens": ["a1B2c3D4e5F6g7", "word"]}', '{"tokens": ["#", "word"]}'),
    ("tokens:\n- a1B2c3D4e5F6g7\nhost: db", "tokens:\n- #\nhost: db"),
    ("user=cart&password%3Dw1nesap&x", "user=cart&password%3D#&x"),
    ("&quot;password&quot;:&quot;w1nesap&quot;", "&quot;password&quot;:&quot;#&quot;"),
    ("{\\u0022password\\u0022:\\u0022w1nesap\\u0022}", "{\\u0022password\\u0022:\\u0022#\\u0022}"),
    ("<db:password>w1nesap</db:password>", "<db:password>#</db:password>"),
    ('<property name="password">w1nesap</property>', '<property name="password">#</property>'),
    ("note: 'dsn: user=app password=''w1nesap7'' sslmode=off'", "note: 'dsn: user=app password=''#'' sslmode=off'"),
    ("note: 'password='''' user=''cart'' '", "note: 'password='''' user=''cart'' '"),
    ("GET /maps?key=AIza" + "b-" * 17 + "b 403", "GET /maps?key=# 403"),
    ('<add key="ApiSecret" value="w1nesap"/>', '<add key="ApiSecret" value="#"/>'),
    ('Body: {"kind":"Secret","data":{"a":"dw==","b":"eA=="}}', 'Body: {"kind":"Secret","data":{"a":"#","b":"#"}}'),
    # what looks like a reference and is none
    ("DB_PASSWORD: <w1nesap", "DB_PASSWORD: #"),
    ("DB_PASSWORD: $Ap9le", "DB_PASSWORD: #"),
    ("ETH_PRIVATE_KEY=0x" + "a1" * 32, "ETH_PRIVATE_KEY=#"),
    # what spans lines
    (
        "      A_SECRET:  two words\n                 more\n      HOST:  db",
        "      A_SECRET:  #\n                 #\n      HOST:  db",
    ),
    (
        "stringData:\n  a: w1nesap\n  b: |\n    russet\n  c: gala\nkind: Secret",
        "stringData:\n  a: #\n  b: |\n    #\n  c: #\nkind: Secret",
    ),
    ("data:\n  a: dzFuZXNhcA==\n  host: db\nkind: Secret", "data:\n  a: #\n  host: db\nkind: Secret"),
    ("time,user,password\n1,cart,w1nesap\n2,x,y\nend", "time,user,password\n1,cart,#\n2,x,#\nend"),
    (
        "2026-11-02T10:00:00Z stdout P a password=w1ne\n2026-11-02T10:00:00Z stdout F sap rest",
        "2026-11-02T10:00:00Z stdout P a password=#\n2026-11-02T10:00:00Z stdout F # rest",
    ),
    (
        '- name: A_PASSWORD\n  value: "w1ne\n    sap"\n- name: B_PASSWORD\n  value: gala\n    russet\n- name: HOST',
        '- name: A_PASSWORD\n  value: "#\n    #"\n- name: B_PASSWORD\n  value: #\n    #\n- name: HOST',
    ),
    (
        '{"log":"-----BEGIN PRIVATE KEY-----\\n","stream":"stdout"}\n{"log":"'
        + "MIIa" * 16
        + '\\n","stream":"stdout"}\n'
        '{"log":"b4==\\n","stream":"stdout"}\n{"log":"-----END PRIVATE KEY-----\\n","stream":"stdout"}',
        '{"log":"-----BEGIN PRIVATE KEY-----\\n","stream":"stdout"}\n{"log":"#\\n","stream":"stdout"}\n'
        '{"log":"#\\n","stream":"stdout"}\n{"log":"-----END PRIVATE KEY-----\\n","stream":"stdout"}',
    ),
    (
        "10:00 -----BEGIN RSA PRIVATE KEY-----\n10:00 app: " + "MIIa" * 16 + "\n10:00 app: up",
        "10:00 -----BEGIN RSA PRIVATE KEY-----\n10:00 app: #\n10:00 app: #".replace(
            "app: #\n10:00 app: #", "app: #\n10:00 app: #"
        ),
    ),
    (
        "- name: DB_PASSWORD\n  value: w1nesap\n- name: DB_HOST\n  value: db",
        "- name: DB_PASSWORD\n  value: #\n- name: DB_HOST\n  value: db",
    ),
    ('"name": "API_TOKEN",\n"value": "abc123"', '"name": "API_TOKEN",\n"value": "#"'),
    ("args:\n- --password\n- w1nesap\n- --verbose", "args:\n- --password\n- #\n- --verbose"),
    ("db.password: |\n  w1nesap\n\n  russet\nhost: db", "db.password: |\n  #\n\n  #\nhost: db"),
    ('db.password: "w1nesap\n  russet"\nhost: db', 'db.password: "#\n  #"\nhost: db'),
    ("db.password:\n----\nw1nesap\n\nhost:\n----\ndb", "db.password:\n----\n#\n\nhost:\n----\ndb"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIB\nend=\n-----END RSA PRIVATE KEY-----\nup",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n#\n#\n-----END RSA PRIVATE KEY-----\nup",
    ),
    (
        "  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {}\n    team: orchard",
        "  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      #\n    team: orchard",
    ),
    (
        '"kubectl.kubernetes.io/last-applied-configuration": "{\\"kind\\":\\"Pod\\"}\\n",',
        '"kubectl.kubernetes.io/last-applied-configuration": "#",',
    ),
]


@pytest.mark.parametrize(("given", "stored"), MASKED)
def test_secrets_are_masked_and_all_around_them_is_kept(redactor, given, stored):
    assert shown(redactor, given) == stored


@pytest.mark.parametrize("given", [given for given, _ in MASKED])
def test_masking_what_is_masked_changes_nothing(redactor, given):
    once = list(redactor.lines(given.split("\n")))

    assert list(redactor.lines(once)) == once


KEPT = """
password is required
the token is invalid, secret is missing
token for pod cart-5d9f8c7b6-x7k2p: unexpected status
password was changed to something else
using token cart-5d9f8c7b6-x7k2p
auth SCRAM-SHA-256
secret sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
"tokens": ["hello", "world", "v1beta1"]
tokens: 15000
  proxyAuth: basic
<secretName>cart-db</secretName>
data:
  replicas: 12
cart,orders,token expired
Basic authentication failed
login with -p 8080
secretName: orchard-tls
  key: password
secretKeyRef: {name: db, key: password}
    - name: DB_PASSWORD
DB_PASSWORD:  <set to the key 'password' in secret 'db'>  Optional: false
MYSQL_PWD: $(DB_PASSWORD)
password: ${DB_PASSWORD}
password: {{ .Values.password }}
password: ""
password: '*****'
password: REDACTED
password:  12 bytes
"token": "<none>",
TokenExpirationSeconds:  3607
tokenExpirationSeconds: 3607
automountServiceAccountToken: false
    /var/run/secrets/kubernetes.io/serviceaccount from default-token-abc12 (ro)
TOKEN_FILE=/var/run/secrets/token
password: /etc/orchard/password
Tokens:              cart-token-x7k2p
Image pull secrets:  regcred
"imagePullSecrets": [{"name": "regcred"}],
kind: Secret
FATAL:  password authentication failed for user "cart"
Access denied for user 'cart'@'10.0.0.9' (using password: YES)
error: the token expired, token has expired
failed to fetch anonymous token: unexpected status from GET request
failed to fetch token: unauthorized
failed to get token: 401 Unauthorized
failed to get token: Post "https://10.0.0.1:443/api": dial tcp
Unable to authenticate the request: token: [invalid bearer token, token lookup failed]
Error: secret "cart-db" not found
MountVolume.SetUp failed for volume "api-token" : secret "api-token" not found
MountVolume.SetUp failed for volume "db-password" : references non-existent secret key: password
"Failed to get secret" secret="orchard/db-credentials"
existingSecret: cart-db
secretKey: password
privateKey: tls.key
image: registry.orchard/api-token:v1.2
msg="wrong password:" user="cart"
if token == nil
password= user=cart
max_tokens=4096 token=15m
Www-Authenticate: Bearer realm="https://auth.orchard/token",service="registry"
Bearer authentication failed
--authentication-token-webhook=true --service-account-private-key-file=/etc/kubernetes/pki/sa.key
http://proxy:8080/path?mail=a@b.c
https://cart:xxxxx@git.orchard/x.git
certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
name: static.17e75f85e7d9e678
PWD=/app
  istio-token:
    Type:  Projected
cookie
key: node-role.kubernetes.io/control-plane
""".strip("\n").split("\n")


@pytest.mark.parametrize("line", KEPT)
def test_what_only_sounds_like_a_secret_is_kept(redactor, line):
    assert (shown(redactor, line), dict(redactor.counts)) == (line, {})


def test_one_secret_has_one_placeholder_in_every_form_and_another_has_another(redactor):
    coded = base64.b64encode(b"w1nesap").decode()
    secret = {"kind": "Secret", "data": {"pw": coded}, "stringData": {"pw": "w1nesap"}}

    fields, _ = redactor.object(secret, "")
    line, other = redactor.line("DB_PASSWORD=w1nesap"), redactor.line("DB_PASSWORD=russet1")

    (placeholder,) = {fields["data"]["pw"], fields["stringData"]["pw"], line.removeprefix("DB_PASSWORD=")}
    assert PLACEHOLDER.fullmatch(placeholder)
    assert placeholder not in other


def test_another_store_gives_another_placeholder():
    assert Redactor(b"a" * 32).line("password=w1nesap") != Redactor(b"b" * 32).line("password=w1nesap")


def test_masked_secrets_are_counted_by_kind(redactor):
    list(redactor.lines(["password=w1nesap", "password=russet1", "Authorization: Bearer w1nesap-42"]))

    assert dict(redactor.counts) == {"password": 2, "authorization": 1}


SECRET = {
    "apiVersion": "v1",
    "data": {"password": "dzFuZXNhcA==", "tls.key": "LS0tLS1C" * 9, "short": "YQ=="},
    "kind": "Secret",
    "metadata": {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"short":"YQ=="}}\n'},
        "name": "cart-a",
    },
    "stringData": {"conf": "user=cart & co\nhunt3r\n", "empty": ""},
}
RAW = [*SECRET["data"].values(), "hunt3r", "cart & co"]
TEXTS = {
    "yaml": yaml.dump(SECRET),
    "yaml flow": yaml.dump(SECRET, default_flow_style=True, width=10_000),
    "json": json.dumps(SECRET),
    "pretty json": json.dumps(SECRET, indent=4),
    "json as Go writes it": json.dumps(SECRET, indent=2).replace("&", "\\u0026"),
    "yaml block": """
kind: Secret
stringData:
  conf: |
    user=cart & co
    hunt3r
  empty: ''
metadata:
  name: cart-a
""",
}


@pytest.mark.parametrize("form", TEXTS)
def test_a_secrets_data_is_masked_in_its_fields_and_in_its_text_whatever_its_form(redactor, form):
    text = TEXTS[form]

    fields, masked = redactor.object(yaml.safe_load(text), text)

    assert [raw for raw in RAW if raw in masked or raw in json.dumps(fields)] == []
    assert masked.count("\n") == text.count("\n")
    again = yaml.safe_load(masked)
    assert (again["kind"], again["metadata"]["name"], again["stringData"]["empty"]) == ("Secret", "cart-a", "")
    assert again["data"] == fields["data"] if "data" in fields else True
    assert redactor.object(fields, masked) == (fields, masked)


def test_an_applied_manifest_is_masked_whole(redactor):
    text = json.dumps(SECRET)

    fields, masked = redactor.object(SECRET, text)

    annotations = json.loads(masked)["metadata"]["annotations"]
    assert [bool(PLACEHOLDER.fullmatch(value)) for value in annotations.values()] == [True]
    assert [bool(PLACEHOLDER.fullmatch(value)) for value in fields["metadata"]["annotations"].values()] == [True]


@pytest.mark.parametrize("write", [json.dumps, yaml.dump, lambda tree: json.dumps(tree, indent=2)])
def test_variables_are_masked_whatever_comes_first_name_or_value(redactor, write):
    variables = [{"value": "w1nesap", "name": "DB_PASSWORD"}, {"name": "DB_HOST", "value": "db"}]
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "cart", "env": variables}]}}

    fields, masked = redactor.object(pod, write(pod))

    env = fields["spec"]["containers"][0]["env"]
    assert [PLACEHOLDER.sub("#", variable["value"]) for variable in env] == ["#", "db"]
    assert yaml.safe_load(masked) == fields
    assert variables[0]["value"] == "w1nesap"


def test_an_object_without_secrets_comes_back_as_it_is(redactor):
    pod = {"kind": "ConfigMap", "data": {"host": "db"}}

    fields, text = redactor.object(pod, "data:\n  host: db")

    assert (fields is pod, text) == (True, "data:\n  host: db")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DB_PASSWORD", "password"), ("dbPassword2", "password"), ("MYSQL_PWD", "password"), ("DB_PASS", "password"),
        ("GITHUB_TOKEN", "token"), ("authToken", "token"), ("STRIPE_API_KEY", "key"), ("accessKey", "key"),
        ("CLIENT_SECRET", "token"), ("REDIS_AUTH", "credentials"), ("SECRET_KEY_BASE", "credentials"),
        ("DB_PASSWORD_FILE", None), ("passwordSecretRef", None), ("tokens", None), ("bypass", None), ("KEY", None),
        ("continueToken", None), ("secretName", None), ("author", None), ("monkey", None), ("", None), ("1", None),
    ],
)  # fmt: skip
def test_the_last_words_of_a_name_say_what_it_holds(name, kind):
    found = kind_of_name(name)

    assert (found.kind if found else None) == kind


PLACES = [
    "password={}", "DB_PASSWORD: {}", '"password": "{}"', 'x {{"password":"{}","a":1}}', "- name: A_TOKEN\n  value: {}",
    "postgres://cart:{}@db/cart", "Authorization: Bearer {}", "--api-key={} --x", "Cookie: s={}", "export A_SECRET={}",
    "2026-01-01T00:00:00Z stderr F token={}", "data:\n  db.password: |\n    {}\n  a: b",
]  # fmt: skip


@given(
    place=st.sampled_from(PLACES),
    secret=st.text(alphabet="abcdefghijkmnopqrstuvwyzABCDEF0123456789-_", min_size=12, max_size=40).filter(
        lambda text: any(c.isdigit() for c in text) and text.strip("-_.") == text
    ),
)
def test_no_secret_leaks_from_any_place(place, secret):
    given = place.format(secret)

    stored = "\n".join(Redactor(b"k" * 32).lines(given.split("\n")))

    assert secret not in stored
    assert stored.count("\n") == given.count("\n")


@given(st.text(alphabet=st.sampled_from("\"'\\:=|> -{}[],<>&#\npasword tokenkysecr")))
def test_any_text_keeps_its_number_of_lines_and_masking_it_again_changes_nothing(text):
    redactor = Redactor(b"k" * 32)

    once = list(redactor.lines(text.split("\n")))

    assert len(once) == text.count("\n") + 1
    assert list(redactor.lines(once)) == once


# The last two are searched in other ways: beyond ASCII, and with a letter that is two in lower case.
@pytest.mark.parametrize("other", ["GET /cart in 3 ms", "Grüße aus dem Lager", "\u0130stanbul 200 OK"])
def test_a_line_is_masked_alike_alone_and_among_others(other):
    given = [line for line, _ in MASKED if "\n" not in line and not opens(line)]
    alone = [Redactor(b"k" * 32).line(line) for line in given]

    masked = list(Redactor(b"k" * 32).lines(line for text in given for line in (other, text)))

    assert (masked[::2], masked[1::2]) == ([other] * len(given), alone)


def test_an_applied_manifest_on_one_line_is_one_secret_whatever_it_holds(redactor):
    name = '    "kubectl.kubernetes.io/last-applied-configuration": '
    manifest = r'"{\"password\":\"w1nesap\",\"key\":\"AKIAABCDEFGHIJKLMNOP\",\"to\":\"https://cart:w1nesap@db\"}"'

    text = shown(redactor, f'{name}{manifest},\n{name}{manifest}\n{name}{manifest}, "password": "w1nesap"')

    assert text == f'{name}"#",\n{name}"#"\n{name}"#", "password": "#"'
    assert redactor.counts == {"last-applied": 3, "password": 1}


PIECES = """- -- : , { [ ] | > " ' _ . = name value data stringData Data config Config json cfg docker Docker password
 PASSWD pass pwd bindpw token tokens TOKENS key apiKey secret Secret id base auth master client credentials x CERT
 kubectl.kubernetes.io/last-applied-configuration -----BEGIN PRIVATE KEY-----""".split()


@given(st.lists(st.sampled_from([*PIECES, " "]), max_size=8).map("".join))
def test_a_line_that_announces_a_secret_is_always_looked_at(line):
    assert opens(line) is None or line in hints(["GET /cart in 3 ms", line])


HOSTILE = [
    "password: " + " " * 1_000_000 + "x",
    'password="' * 100_000,
    'password=\\"' * 90_000,
    "://" + "a" * 1_000_000 + "@",
    "a://b:c" * 140_000 + "@",
    "A" * 1_000_000 + "_KEY=1",
    "eyJaaaaaaaaaa." * 70_000,
    "curl -u " * 120_000,
    "password=x <secret:00000000> " * 30_000,
    "last-applied-configuration: " * 35_000,
    "token=/" + "a/" * 500_000 + "!",
    '"kind":"Secret" ' + '"data":{' * 120_000,
    "tokens:[" * 120_000,
    "<password>" * 100_000 + "</",
    "password for " * 80_000,
    "secret" + " \t" * 500_000 + "x",
    "&quot;token&quot;:&quot;" * 40_000,
]


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:20])
def test_a_hostile_line_of_a_megabyte_takes_no_longer_than_a_plain_one(redactor, line):
    # With a pattern that backtracks, these take minutes to days.
    assert redactor.line(line)
    assert list(redactor.lines(["-----BEGIN PRIVATE KEY-----", line, "stringData:", line]))


@pytest.mark.parametrize("again", range(3))
def test_a_line_that_was_harmless_once_is_masked_where_another_announces_it(redactor, again):
    announced = ["    - name: DB_PASSWORD", "      value: w1nesap-orchard"]
    plain = ["    - name: GREETING", "      value: w1nesap-orchard"]

    masked = list(redactor.lines([*plain, *announced, *plain] * (again + 1)))

    assert [line == "      value: w1nesap-orchard" for line in masked[1::2]] == [True, False, True] * (again + 1)


def test_more_lines_than_are_remembered_are_masked_alike(redactor):
    lines = [f"line {number} of the log" for number in range(60_000)]
    secret = "password=w1nesap-orchard"

    masked = list(redactor.lines([*lines, secret, *lines, secret]))

    assert masked[: len(lines)] == lines
    assert masked[len(lines)] == masked[-1] != secret
