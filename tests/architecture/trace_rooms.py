"""Which rooms does one act of a node enter? Run by hand over tests that do the act:

    python -m tests.architecture.trace_rooms exchange.flows.sync.pull:pull tests/exchange/flows/terms/test_terms.py

It prints, of the call that entered most rooms of `flows`, the files in the order in which a function of theirs began.
A file counts that runs, not one that is imported. What another node does meanwhile is not counted: it is asked through
`tests/exchange/flows/network.py`. Of what a worker process does, the function counts that it was given.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

import pytest

ROOT = Path(__file__).parents[2]
WIRE = str(ROOT / "tests" / "exchange" / "flows" / "network.py")
HOUSE = tuple(f"{ROOT / package}/" for package in ("exchange", "matcher", "schemas"))


class Tracer:
    """Notes the files that each call of one function enters, in each thread."""

    def __init__(self, module: str, name: str) -> None:
        self._entry = str(ROOT / module.replace(".", "/")) + ".py", name
        self._thread = threading.local()
        self.calls: list[list[str]] = []

    def __call__(self, frame: FrameType, event: str, _arg: object) -> None:
        begun: list[FrameType] = self._thread.__dict__.setdefault("begun", [])  # the entry, and what is left out below
        code = frame.f_code
        if event == "return" and begun and begun[-1] is frame:
            begun.pop()
        if event != "call":
            return
        if not begun:
            if (code.co_filename, code.co_name) == self._entry:
                begun.append(frame)
                self.calls.append([])
                self._thread.files = self.calls[-1]
                self._enter(code)
        elif len(begun) == 1:
            if code.co_filename == WIRE or code.co_name == "<module>":
                begun.append(frame)
                return
            self._enter(code)
            if code.co_qualname == "Compute.run":
                self._enter(frame.f_locals["function"].__code__)

    def _enter(self, code: CodeType) -> None:
        files: list[str] = self._thread.files
        if code.co_filename.startswith(HOUSE) and code.co_filename not in files:
            files.append(code.co_filename)


def room_of(file: str) -> str:
    """`flows/sync` of `exchange/flows/sync/pull.py`; `schemas` of `schemas/lane.py`."""
    folder = Path(file).relative_to(ROOT).parent
    return str(folder.relative_to("exchange") if folder.parts[0] == "exchange" else folder)


def flows_in(files: list[str]) -> list[str]:
    return list(dict.fromkeys(room_of(file) for file in files if room_of(file).startswith("flows/")))


def main(entry: str, *tests: str) -> None:
    tracer = Tracer(*entry.split(":"))
    threading.setprofile(tracer)
    sys.setprofile(tracer)
    try:
        pytest.main(["-q", "--timeout=0", "--benchmark-disable", *tests])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    if not tracer.calls:
        sys.exit(f"{entry} was not called.")
    widest = max(tracer.calls, key=lambda files: (len(flows_in(files)), len(files)))
    rooms = list(dict.fromkeys(map(room_of, widest)))
    print(f"{entry}: {len(tracer.calls)} calls; that which entered most:")
    for room in rooms:
        print(f"  {room}: {', '.join(Path(file).stem for file in widest if room_of(file) == room)}")
    every = sorted({room for files in tracer.calls for room in flows_in(files)})
    print(f"rooms of flows: {len(flows_in(widest))} in this call, {len(every)} in all calls ({', '.join(every)})")


if __name__ == "__main__":
    main(*sys.argv[1:])
