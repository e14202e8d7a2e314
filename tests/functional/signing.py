"""A call to the key service by hand: AWS Signature Version 4 with Python's standard library."""
import datetime
import hashlib
import hmac
import http.client
import json
import ssl
import urllib.parse
import uuid


def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def headers_of(env, target, body, host):
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {"amz-sdk-invocation-id": str(uuid.uuid4()), "content-type": "application/x-amz-json-1.1", "host": host,
               "x-amz-date": stamp, "x-amz-target": target}
    names = ";".join(sorted(headers))
    canonical = "POST\n/\n\n" + "".join("%s:%s\n" % (k, headers[k]) for k in sorted(headers)) + "\n" + names + "\n" + \
        hashlib.sha256(body).hexdigest()
    scope = "%s/%s/kms/aws4_request" % (stamp[:8], env["AWS_REGION"])
    text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (stamp, scope, hashlib.sha256(canonical.encode()).hexdigest())
    key = ("AWS4" + env["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac256(key, part)
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        env["AWS_ACCESS_KEY_ID"], scope, names, hmac256(key, text).hex())
    return headers


def call(env, target, body):
    """(status, answer as a tree) of one operation, such as TrentService.ListKeys."""
    at = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"])
    raw = json.dumps(body).encode()
    return send(env, headers_of(env, target, raw, at.netloc), raw)


def send(env, headers, raw):
    """The same for a request that is signed already."""
    at = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPSConnection(at.hostname, at.port, timeout=60,
                                             context=ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"]))
    connection.request("POST", "/", raw, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)
