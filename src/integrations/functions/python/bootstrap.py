"""Runs a Python handler by Lambda's Runtime API ("Using the Lambda runtime API for custom runtimes").

Usage: bootstrap.py FILE HANDLER, with AWS_LAMBDA_RUNTIME_API and the function's other variables in the environment.
Needs nothing but the standard library.
"""

import http.client
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
import time
import traceback

API_VERSION = "2018-06-01"


class RuntimeApi:
    """The connection to the program that calls the handler."""

    def __init__(self, address):
        host, _, path = address.partition("/")
        self.connection = http.client.HTTPConnection(host)
        self.base = f"/{path}/{API_VERSION}/runtime" if path else f"/{API_VERSION}/runtime"

    def next(self):
        return self._send("GET", "/invocation/next", None, {})

    def answer(self, request_id, body):
        self._send("POST", f"/invocation/{request_id}/response", body, {})

    def error(self, where, error):
        headers = {"Lambda-Runtime-Function-Error-Type": error["errorType"]}
        self._send("POST", where, json.dumps(error).encode(), headers)

    def _send(self, method, path, body, headers):
        self.connection.request(method, self.base + path, body, {"Content-Type": "application/json", **headers})
        response = self.connection.getresponse()
        return response.headers, response.read()


class Context:
    """The context object of Lambda's Python runtimes."""

    function_version = "$LATEST"
    client_context = None
    identity = None

    def __init__(self, headers):
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class HandlerNotFound(Exception):
    pass


class VendoredRequests(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """
    Provides botocore.vendored.requests, which botocore used to contain whole and which older handlers import. What is
    left of it in present versions stays, since botocore itself needs it, and gets back what it lacks.
    """

    NAME = "botocore.vendored.requests"

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.NAME:
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, path)
        if found is None:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        found.loader = Completed(found.loader)
        return found

    def exec_module(self, module):
        sys.modules[self.NAME] = installed_requests()


class Completed(importlib.abc.Loader):
    """Loads what botocore has of requests, and adds the rest."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        if hasattr(module, "get"):
            return
        left = vars(module.exceptions)
        requests = installed_requests()
        # What its functions raise are its own errors, so these are the ones to be caught.
        for name, error in left.items():
            if not hasattr(requests.exceptions, name):
                setattr(requests.exceptions, name, error)
        for name, value in vars(requests).items():
            if not name.startswith("_") and name != "packages":
                setattr(module, name, value)


def installed_requests():
    """requests if it is installed, otherwise the small stand-in."""
    try:
        import requests
    except ImportError:
        folder = os.path.dirname(os.path.abspath(__file__))
        # Nothing is written beside the server's own files.
        writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        requests = load_file("requests_shim", os.path.join(folder, "requests_shim.py"))
        sys.dont_write_bytecode = writes
    return requests


class BotocoreFolders(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the packages around botocore.vendored.requests where botocore is not installed."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in ("botocore", "botocore.vendored"):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module):
        module.__path__ = []


def load_file(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_handler(path, handler):
    found = load_file(os.path.splitext(os.path.basename(path))[0], path)
    for part in handler.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise HandlerNotFound(f"{os.path.basename(path)} has no function {handler}.")
    return found


def describe(error, error_type=None):
    traceback.print_exception(type(error), error, error.__traceback__)
    return {
        "errorMessage": str(error),
        "errorType": error_type or type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def run(api, handler):
    """Runs one call. What is no Exception, such as SystemExit, ends the process."""
    headers, body = api.next()
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    where = f"/invocation/{request_id}/error"
    try:
        answer = handler(json.loads(body), Context(headers))
    except Exception as error:
        return api.error(where, describe(error))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    try:
        text = json.dumps(answer, ensure_ascii=False).encode()
    except Exception as error:
        problem = TypeError(f"Unable to marshal response: {error}")
        return api.error(where, describe(problem, "Runtime.MarshalError"))
    return api.answer(request_id, text)


def limit_memory():
    try:
        import resource

        limit = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (ImportError, OSError, ValueError):
        pass


def main():
    path, name = sys.argv[1:3]
    sys.argv[1:] = []
    # Where modules are looked for begins with the handler's folder, instead of this one.
    sys.path[0] = os.path.dirname(path)
    sys.meta_path.insert(0, VendoredRequests())
    sys.meta_path.append(BotocoreFolders())
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    limit_memory()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(path, name)
    except Exception as error:
        missing = "Runtime.HandlerNotFound" if isinstance(error, HandlerNotFound) else None
        api.error("/init/error", describe(error, missing))
        sys.exit(1)
    while True:
        try:
            run(api, handler)
        except (ConnectionError, http.client.HTTPException):
            # Nobody calls any more.
            sys.exit(0)


if __name__ == "__main__":
    main()
