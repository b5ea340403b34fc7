"""Secrets in their usual surroundings, and what only looks like one. All are made up.

⟦ and ⟧ stand around what must be taken out, and nothing else may be. ¦ stands within what would look like a token to
those who scan this file.
"""

from __future__ import annotations

import re
from typing import List, Tuple

A = "Zk3Vq8Lw2Np7Rt5Xy1Bc"  # 20 letters and digits
B = "T6mHs9DfJ4gKe0Qa"  # 16
HEX = "3f9a0c7be2d14586"  # 16
UUID = "7d1f0c3a-52b8-4e69-9a04-c8b7e6f5d3a2"
PEM = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"

TOKENS = f"""
push with gh¦p_{A}{B} done
using gh¦o_{A}{B}.
gh¦s_{A}{B},
github¦_pat_11AAAAAAA0{A}_{A}{A}{B}xyz
gitlab: gl¦pat-{A}
CI_JOB gl¦cbt-64_{A} used
runner gl¦rt-{A}
CC¦IPAT_{A}_{HEX}{HEX}
bk¦ua_{HEX}{HEX}
sq¦p_{HEX}{HEX}{HEX[:8]}
h¦f_{A}{B[:14]}
login with m¦s-{UUID}
sk¦-{A}T3Blb¦kFJ{A}
sk¦-proj-{A}_{B}-{A}{A}
s¦k-ant-api03-{A}-{B}_{A}AA
sk¦-{HEX}{HEX}
r8¦_{A}{B}x
gs¦k_{A}{A}{B[:12]}
xa¦i-{A}{A}{A}
nva¦pi-{A}_{A}{A}
AK¦IA{A[:16].upper()} in a log
AS¦IA{A[:16].upper()}
AI¦zaSy{B}_{B}-
GOC¦SPX-{A}{B[:8]}
ya2¦9.a0{A}{A}_{B}
LT¦AI5t{A}
AK¦ID{A}{B[:12]}
AK¦LT{A}{B}
xo¦xb-123456789012-1234567890123-{A}wxyz
xap¦p-1-A0{B[:8].upper()}-123456789012-{HEX}{HEX}
py¦pi-AgEIcHlwaS5vcmc{A}{A}
np¦m_{A}{B}
tskey¦-auth-{A[:12]}-{A}{B}
dck¦r_pat_{A}-{B[:6]}
AK¦Cp8{A}{A}{A}
S¦G.{A}ab.{A}{A}abc
dop¦_v1_{HEX}{HEX}{HEX}{HEX}
da¦pi{HEX}{HEX}
hv¦s.CAES{A}{B}
sk_¦live_{A}{B[:4]}
SK¦{HEX}{HEX}
ke¦y-{HEX}{HEX}
HRK¦U-AA{A}{A}
sn¦trys_{A}{A}{B}=_{A}
eyJ¦hbGciOiJIUzI1NiJ9.eyJ¦zdWIiOiIxMjM0NTY3ODkwIn0.{A}{A}abc
123456789:A¦AE{A}{B[:12]}
M{A}abc.{B[:6]}.{A}{B[:8]}
{HEX}{HEX}.{B}
AGE-SECRET-KEY¦-1{A.upper()}{A.upper()}QQQQQQQQQQQQQQQQQQ
cio{A}{B[:12]}
"""

# Where the token is the whole line but for words around it.
_TOKEN = re.compile(r"(?<![^ ])[^ ,]*¦[^ ,]*?(?=\.?(?: |,|$))|^(?:cio|M|3f9a)\S+$")

PLACES = rf"""
password=⟦hunter2⟧
Password: ⟦hunter2⟧
{{"password": "⟦hunter2⟧", "user": "me"}}
{{'api_key': '⟦{B}⟧', 'n': 1}}
{{\"secret\": \"⟦swordfish⟧\", \"n\": 2}}
{{\\\"password\\\": \\\"⟦sword fish⟧\\\"}}
{{"pin": 1, "db_password": ⟦12345678⟧, "n": 3}}
export DB_PASSWORD='⟦it is "me"⟧'
export HF_TOKEN=⟦{B}⟧
+ MYSQL_PWD=⟦hunter2⟧
docker run -e API_KEY=⟦{B}⟧ -e MODE=fast image
serve --password ⟦hunter2⟧ --port 80
serve --api-key=⟦{B}⟧ --port 80
['serve', '--token', '⟦{B}⟧', '--port', '80']
  passphrase: ⟦correct horse battery staple⟧
password = "⟦tr0ub4dor&3⟧"  # of the database
secret_key_base: ⟦{HEX}{HEX}⟧
client_secret=⟦{A}⟧&grant_type=client_credentials
username=me&password=⟦hunter2⟧&next=%2F
accessKeySecret: ⟦{A}{B[:10]}⟧
aws_secret_access_key = ⟦wJalrXUtnFEMI/K7MDENG/bPxRfi{A[:12]}⟧
"AccountKey=⟦{A}{A}+/{B}==⟧;EndpointSuffix=core.windows.net"
Server=db;User Id=sa;Password=⟦hun!ter2⟧;Encrypt=yes
Endpoint=sb://x/;SharedAccessKeyName=all;SharedAccessKey=⟦{A}{A}a+/=⟧
<password>⟦hunter2⟧</password>
<add key="x" password="⟦hunter2⟧"/>
{{"name": "DB_PASSWORD", "value": "⟦hunter2⟧"}}
password%3D⟦hunter2⟧%26user%3Dme
headers={{'X-Api-Key': '⟦{B}⟧'}}
[(b'host', b'x'), (b'x-api-key', b'⟦{B}⟧')]
x-api-key: ⟦{HEX}{HEX}⟧
X-Auth-Token: ⟦{HEX}{HEX}⟧
Authorization: Bearer ⟦{A}⟧
{{"Authorization": "Bearer ⟦{B}⟧"}}
authorization: Basic ⟦bWU6aHVudGVyMg==⟧
curl -H 'Authorization: Token ⟦{HEX}{HEX}⟧' http://h/
Authorization: Digest ⟦username="me", realm="x", nonce="{HEX}", response="{HEX}{HEX}"⟧
using Bearer ⟦{A}.{B}⟧ for it
sent Basic ⟦bWU6c3dvcmRmaXNoIQ==⟧ to it
Cookie: sessionid=⟦{A}⟧; csrftoken=⟦{B}⟧
Set-Cookie: sid=⟦{A}⟧; Path=/; HttpOnly
postgresql://me:⟦p@ss/w#rd⟧@db:5432/x
redis://:⟦hunter2⟧@cache/0
amqp://me:⟦hunter2⟧@mq:5672/%2F
mongodb+srv://me:⟦h%40nter2⟧@c.mongodb.net/x?retryWrites=true
https://⟦{HEX}{HEX}⟧@o123.ingest.sentry.io/456
me:⟦hunter2⟧@tcp(db:3306)/x
git clone https://oauth2:⟦{B}⟧@gitlab.com/x.git
https://h/a?X-Amz-Credential=⟦AK¦IAXXXXXXXXXXXXXXXX%2F20261126%2Fus-east-1%2Fs3%2Faws4_request⟧&X-Amz-Expires=60&X-Amz-Signature=⟦{HEX}{HEX}{HEX}{HEX}⟧
https://h/a?sv=2024-01-01&sr=b&sig=⟦{A}%2B{A}%3D⟧&se=2026
https://b.oss-cn-beijing.aliyuncs.com/a?Expires=17000&Signature=⟦{A}abcdefg%3D⟧
https://h/a?token=⟦{B}⟧&page=2
https://maps/api?key=⟦{A}{B}⟧
https://hooks.slack.com/services/⟦T00000000/B00000000/{A}wxyz⟧
https://discord.com/api/webhooks/123456789012345678/⟦{A}{A}{A}-_{B[:6]}⟧
https://open.feishu.cn/open-apis/bot/v2/hook/⟦{UUID}⟧
https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=⟦{UUID}⟧
https://oapi.dingtalk.com/robot/send?access_token=⟦{HEX}{HEX}{HEX}{HEX}⟧
curl -u me:⟦swordfish⟧ https://h
curl --user 'me:⟦sword:fish⟧' https://h
mysql -h db -u me -p⟦swordfish⟧ shop
sshpass -p ⟦swordfish⟧ ssh me@h
redis-cli -h c -a ⟦swordfish⟧ ping
docker login -u me -p ⟦swordfish⟧ registry
machine h login me password ⟦hunter2⟧
//registry.npmjs.org/:_authToken=⟦{UUID}⟧
{{"auths": {{"r": {{"auth": "⟦bWU6aHVudGVyMg==⟧"}}}}}}
    client-key-data: ⟦{PEM}{PEM}⟧
me:⟦$apr1$x1y2z3a4$hWz0Jn5Tq8uYp3Lk6Rb1C/⟧
root:⟦$6$saltsalt${A}{A}./{A}{A}⟧:19000:0:99999:7:::
密码：⟦hunter2⟧
令牌为 ⟦{B}⟧
login failed for 'me' with password '⟦hunter2⟧'
API key: ⟦{HEX}{HEX}⟧
WANDB_API_KEY=⟦{HEX}{HEX}{HEX[:8]}⟧
CODECOV_TOKEN: ⟦{UUID}⟧
pass\x1b[31mword\x1b[0m=⟦hun\x1b[1mter2⟧
\x1b[36mapi_key\x1b[0m: \x1b[33m⟦{B}⟧\x1b[0m
"said \u001b[36mpassword\u001b[0m=⟦hunter2⟧ to it"
environ["API_PASSWORD"] = "⟦hunter2⟧"
ENV HF_TOKEN=⟦abcdefghijk⟧
the password is ⟦hunter2⟧
| password | ⟦hunter2⟧ |
setx API_KEY ⟦{B}⟧
<input type="password" name="password" value="⟦hunter2⟧">
ENV DB_PASSWORD ⟦hunter2⟧
DB_PASSWORD=⟦kd9(23[x⟧
requests.get(url, auth=('admin', '⟦hunter2⟧'))
auth=HTTPBasicAuth("admin", "⟦hunter2⟧"),
smtp.login('me', '⟦hunter2⟧')
echo '⟦hunter2⟧' | docker login --username me --password-stdin
openssl enc -aes-256-cbc -pass pass:⟦hunter2⟧ -in x
setenv API_TOKEN ⟦{B}⟧
made token ⟦xY{A}⟧ for x
SSH_KEY_B64=⟦LS0tLS1CRUdJTiBPUEVO{B}⟧
client.setPassword("⟦hunter2⟧");
$password = '⟦hunter2⟧';
Server=db;UID=me;PWD=⟦hunter2⟧;
<a:Password Type="x">⟦hunter2⟧</a:Password> <b>bold</b>
<key>Password</key><string>⟦hunter2⟧</string>
curl -u "me:⟦hunter 2⟧" http://x
密码:⟦hunter2⟧，请保管
Login(user='me', password=⟦hunter2⟧)
X-Vault-Token: ⟦s.abcdefgh⟧
password: str = "⟦hunter2⟧"
"""

LINES = (
    f"-----BEGIN PRIVATE ¦KEY-----⟦\n{PEM}\n{PEM}\n{A}==\n⟧-----END PRIVATE KEY-----\n",
    f'{{"private_key": "-----BEGIN PRIVATE ¦KEY-----⟦\\n{PEM}\\n{PEM}\\n⟧-----END PRIVATE KEY-----\\n"}}',
    f"log 1 -----BEGIN OPENSSH PRIVATE ¦KEY-----⟦\nlog 2 {PEM}\nlog 3 {PEM}\nlog 4 ⟧-----END OPENSSH PRIVATE KEY-----",
    f"> -----BEGIN PGP PRIVATE ¦KEY BLOCK-----⟦\r\n> \r\n> {PEM}\r\n> ⟧-----END PGP PRIVATE KEY BLOCK-----",
    f"-----BEGIN EC PRIVATE ¦KEY-----⟦\n{PEM}\n{PEM}\n⟧cut here",
    f"users:\n- password: |\n    ⟦{A}\n    {B}⟧\n  name: me\n",
    'Content-Disposition: form-data; name="password"\r\n\r\n⟦hunter2⟧\r\n--x--',
    f'{{\n  "api_key":\n    "⟦{B}⟧"\n}}',
    f'"token": "⟦{A}\n    {B}⟧"',
    f"{'x' * 50} token is ⟦gh¦p_{A}\n{B}⟧ here",
    "machine h\n  login me\n  password ⟦hunter2⟧\n",
    "- name: DB_PASSWORD\n  value: ⟦hunter2⟧\n",
    "password=⟦hunter2⟧\r\nuser=me\r\n",
)

ALIKE = rf"""
commit {HEX}{HEX}{HEX[:8]} merged
at 3f9a0c7 (main)
sha256: {HEX}{HEX}{HEX}{HEX}  weights/acoustic.bin
"sha256": "{HEX}{HEX}{HEX}{HEX}", "size": 4096
image python@sha256:{HEX}{HEX}{HEX}{HEX}
requests==2.31.0 --hash=sha256:{HEX}{HEX}{HEX}{HEX}
md5={HEX}{HEX}
request_id={UUID} trace_id={HEX}{HEX}
ETag: "{HEX}{HEX}-5"
x-amz-request-id: {B.upper()}
tests/test_a.py::test_token[abc] PASSED
tests/test_a.py::test_api_key_is_required PASSED [ 5%]
tests/test_a.py::test_password[hunter2-True] FAILED
FAILED tests/test_a.py::TestLogin::test_wrong_password - assert 401 == 200
token count=153
tokens: 512
max_tokens=256, num_key_value_heads: 8
{{"usage": {{"prompt_tokens": 12, "completion_tokens": 90, "total_tokens": 102}}}}
time_to_first_token=0.312 s, tokens_per_second=41.2
"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "[UNK]"
eos_token_id: 50256, bos_token=151643
tokenizer: bert-base-chinese-v2
tokenizer_class: LlamaTokenizerFast
token_type_ids: tensor([0, 0, 1]) special_tokens_map.json
Loading hf_transfer, hf_hub_download and hf_xet
key=value, key: emotion
cache_key: v1-deps-{HEX}{HEX}
primary_key=12345, sort_key: created_at
keyboard: qwerty; monkey: see; secretary: Bob
password: null
password: None, token: "", secret: ***
password=<hidden> api_key=${{API_KEY}} token=$TOKEN
api_key: {{{{ secret }}}}
password = os.environ["DB_PASSWORD"]
token=os.getenv("HF_TOKEN")
api_key=None, token=None
    client = Client(api_key=settings.api_key, password=password)
    def login(self, user: str, password: str = None, token: Optional[str] = None) -> None:
password: str
Password must be at least 8 characters
password is required
the secret of a good voice
author: Jane Doe <jane@example.org>
Authorization required
the password is wrong, and the token is expired
password: 3 tries left
| user | password | token |
HTTP 401: authentication failed, no token given
passed=12 failed=0 skipped=3
tests/test_a.py::test_key[key=value-secret:long] tests/test_a.py::test_b[password=hunter2] PASSED
{{"tests/test_a.py::test_path[/../etc/passwd]": "passed"}}
['app.py', '--password', '--token', '--port', '80'] app.py --use-auth-token --fp16
"key": "S3AccessPointAttachments", "result_key": "FirewallPoliciesV2"
valid_credentials = await self.check(login); secret = hashlib.sha256(x).hexdigest()
if password != confirm_password: raise ValueError
Unexpected key text2SemanticEncoder.layers.0.weight; token text2SemanticEncoderBlock
without_secrets("see here")
usage: app <user> <password> [options] <file>
o=n.token||"";return{{key:r,token:o,password:i}}}}var a={{keyCode:13,passive:!0}}
12 passed, 3 failed in 4.56s
<object at 0x7f3a2c4d5e60>
  File "/srv/app/indextts/token_utils.py", line 153, in encode_tokens
E       assert {{'status': 200}} == {{'status': 500}}
E       AssertionError: expected 1 got 2
CIRCLE_WORKFLOW_ID={UUID} CIRCLE_BUILD_NUM=1234
http://127.0.0.1:7860/tts?text=hello&emotion=happy
http://localhost:8080/a@b/c
https://h/a?page=2&sort=key&Expires=1700000000
git+https://github.com/org/repo.git@v1.2.3#egg=x
npm install @scope/package@1.2.3
contact me@example.org or mailto:you@example.org
python -u app.py -p 8080 --port 7860 -a x
docker run -p 8080:80 -u 1000:1000 image
2026-11-26 22:10:59,123 INFO basic usage of bearer authentication
sk-learn-contrib disk-usage-monitor-2026 task-queue-1234
signature: (text: str, emotion: str) -> bytes
{{"signature_version": "s3v4", "auth": "basic", "mode": "token"}}
public key: ssh-ed25519 fingerprint SHA256
"author_key": "jane", "emotion_key": "happy_01"
s3://bucket/key/with/parts.bin key=models/acoustic/v1.bin
GOOGLE_APPLICATION_CREDENTIALS=/root/.config/key.json
cookies: 3 cookies were set
PYTHONHASHSEED=0 seed: 1234567890123456789
version 1.2.3+cu121, torch 2.13.0, 10.0.0.12:8080
PASSWORD_FILE=/run/secrets/db TOKEN_TTL=3600 secret_name: db
progress 45%|████▌     | 45/100 [00:12<00:15, 3.66it/s]
assert token == expected_token
keys: ['a', 'b'], secrets: [], credentials: []
KeyError: 'password'
JSON {{"password": null, "token": false, "secret": {{}}}}
"""


def secrets() -> List[str]:
    """Give texts with ⟦secrets⟧ in them."""
    marked = [_TOKEN.sub(lambda found: f"⟦{found[0]}⟧", line, 1) for line in TOKENS.strip().splitlines()]
    texts = [*marked, *PLACES.strip("\n").replace(r"\x1b", "\x1b").splitlines(), *LINES]
    return [text.replace("¦", "") for text in texts]


def alike() -> List[str]:
    """Give texts that hold no secret."""
    return [*ALIKE.strip("\n").splitlines(), _sound()]


def _sound() -> str:
    """Make base64 of noise: it has all letters in all orders, and once AKIA by chance."""
    import base64
    import hashlib

    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200))
    text = base64.b64encode(noise).decode("ascii")
    return f'{{"audio": "{text[:3000]}+AK' + f'IA{A[:16].upper()}/{text[3000:]}"}}'


def parts(marked: str) -> Tuple[str, List[str]]:
    """Give a text without its marks, and what stood between them."""
    return re.sub("[⟦⟧]", "", marked), re.findall("⟦(.*?)⟧", marked, re.DOTALL)
