"""
Runs commands of aws-cli one after another in this process, since two thirds of what a command costs is its start. A line
of standard input is a command, {"program", "args", "env"}; the line of its answer is {"status", "stdout", "stderr"}.
"""

import contextlib
import io
import json
import os
import runpy
import sys

answers = sys.stdout
former = {}


def run(program, args):
    """Runs the program's file as Python does, with these arguments, and returns its exit status."""
    sys.argv = [program, *args]
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


for line in sys.stdin:
    command = json.loads(line)
    # aws-cli adds to its environment as it is loaded: only what differs is changed.
    for name in former:
        del os.environ[name]
    os.environ.update(command["env"])
    former = command["env"]
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(command["program"], command["args"])
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    print(json.dumps({"status": status, "stdout": texts[0], "stderr": texts[1]}), file=answers, flush=True)
