"""Does what the event says: each thing that a handler may do."""
import os
import sys

calls = 0


def fail(error):
    raise error


def hang():
    while True:
        pass


def flood():
    for line in range(50000):
        print("line", line)
    sys.stderr.write("y" * 300000)
    return "flooded"


def say():
    print("said on stdout")
    print("said on stderr", file=sys.stderr)


def memory():
    kept = []
    while True:
        kept.append(bytearray(10_000_000))


def lambda_handler(event, context):
    global calls
    calls += 1
    acts = {
        "answer": lambda: {**event, "response": {"text": "ü 𝄞 \u2028", "nested": [1, {"two": True}]}},
        "null": lambda: None,
        "undefined": lambda: None,
        "number": lambda: 7,
        "text": lambda: "seven",
        "list": lambda: [1, 2],
        "nan": lambda: float("nan"),
        "throw": lambda: fail(Exception("no such domain")),
        "type": lambda: fail(TypeError("not that type")),
        "throw text": lambda: fail("only a text"),
        "circular": lambda: {1, 2},
        "hang": hang,
        "exit": lambda: os._exit(129),
        "exit well": lambda: os._exit(0),
        "sys.exit": lambda: sys.exit(129),
        "large": lambda: "x" * (6 * 1024 * 1024 - 1),
        "largest": lambda: "x" * (6 * 1024 * 1024 - 2),
        "flood": flood,
        "say": say,
        "memory": memory,
        "environment": lambda: dict(os.environ),
        "ids": lambda: [os.getuid(), os.getgid(), os.getgroups()],
        "calls": lambda: calls,
        "context": lambda: {
            "functionName": context.function_name,
            "functionVersion": context.function_version,
            "invokedFunctionArn": context.invoked_function_arn,
            "memoryLimitInMB": context.memory_limit_in_mb,
            "awsRequestId": context.aws_request_id,
            "logGroupName": context.log_group_name,
            "remaining": context.get_remaining_time_in_millis(),
        },
    }
    return acts[event["do"]]()
