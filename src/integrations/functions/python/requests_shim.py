"""What handlers commonly use of `requests`, by the standard library alone, for where that is not installed."""

import base64
import json as json_module
import socket
import types
import urllib.error
import urllib.parse
import urllib.request


class RequestException(IOError):
    def __init__(self, *args, response=None):
        super().__init__(*args)
        self.response = response


class HTTPError(RequestException):
    pass


class ConnectionError(RequestException):
    pass


class Timeout(RequestException):
    pass


class ConnectTimeout(ConnectionError, Timeout):
    pass


class ReadTimeout(Timeout):
    pass


exceptions = types.SimpleNamespace(
    RequestException=RequestException,
    HTTPError=HTTPError,
    ConnectionError=ConnectionError,
    Timeout=Timeout,
    ConnectTimeout=ConnectTimeout,
    ReadTimeout=ReadTimeout,
)


class Response:
    def __init__(self, answer):
        self.status_code = answer.status
        self.reason = answer.reason
        self.url = answer.url
        self.headers = answer.headers
        self.content = answer.read()
        self.encoding = answer.headers.get_content_charset() or "utf-8"

    @property
    def ok(self):
        return self.status_code < 400

    @property
    def text(self):
        return self.content.decode(self.encoding, "replace")

    def json(self):
        return json_module.loads(self.content)

    def raise_for_status(self):
        if not self.ok:
            raise HTTPError(f"{self.status_code} Error: {self.reason} for url: {self.url}", response=self)

    def __bool__(self):
        return self.ok


def request(method, url, params=None, data=None, headers=None, auth=None, timeout=None, json=None):
    fields = dict(headers or {})
    body = data
    if json is not None:
        body = json_module.dumps(json).encode()
        fields.setdefault("Content-Type", "application/json")
    elif isinstance(data, str):
        body = data.encode()
    elif data is not None and not isinstance(data, bytes):
        body = urllib.parse.urlencode(data, doseq=True).encode()
        fields.setdefault("Content-Type", "application/x-www-form-urlencoded")
    if auth is not None:
        credentials = base64.b64encode(":".join(auth).encode()).decode()
        fields.setdefault("Authorization", f"Basic {credentials}")
    if params:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(params, doseq=True)
    if isinstance(timeout, tuple):
        timeout = timeout[-1]
    limit = {} if timeout is None else {"timeout": timeout}
    sent = urllib.request.Request(url, body, fields, method=method.upper())
    try:
        with urllib.request.urlopen(sent, **limit) as answer:
            return Response(answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return Response(answer)
    except urllib.error.URLError as error:
        if isinstance(error.reason, (socket.timeout, TimeoutError)):
            raise ConnectTimeout(str(error.reason)) from error
        raise ConnectionError(str(error.reason)) from error
    except (socket.timeout, TimeoutError) as error:
        raise ReadTimeout(str(error)) from error
    except OSError as error:
        raise ConnectionError(str(error)) from error


def get(url, params=None, **more):
    return request("GET", url, params=params, **more)


def post(url, data=None, json=None, **more):
    return request("POST", url, data=data, json=json, **more)


def put(url, data=None, **more):
    return request("PUT", url, data=data, **more)


def patch(url, data=None, **more):
    return request("PATCH", url, data=data, **more)


def delete(url, **more):
    return request("DELETE", url, **more)


def head(url, **more):
    return request("HEAD", url, **more)
