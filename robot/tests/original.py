"""The robot as it was before it became a service: pure functions from one state to the next.

Written anew from the description of its semantics, for parity.rs to compare with; that needs no
package and nothing newer than Python 3.9. Each function tells `transfer` what it did and returns
the state after it. With `trig` the sine and cosine can come from elsewhere; everything else is
ordinary double arithmetic.

As a program it answers each line of parity.rs's questions with one line, see `answer`.
"""

import math
import struct
import sys
from typing import NamedTuple

MODES = {"water": 1, "soap": 2, "brush": 3}


class State(NamedTuple):
    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    mode: int = MODES["water"]


def from_math(radians):
    return math.sin(radians), math.cos(radians)


def move(transfer, distance, state, trig=from_math):
    sine, cosine = trig(state.angle * (math.pi / 180))
    moved = state._replace(x=state.x + distance * cosine, y=state.y + distance * sine)
    transfer("POS", moved.x, moved.y)
    return moved


def turn(transfer, angle, state):
    # The heading before the turn: the original's oversight, kept here.
    transfer("ANGLE", state.angle)
    return state._replace(angle=state.angle + angle)


def set_state(transfer, mode, state):
    if mode not in MODES:
        return state
    transfer("STATE", MODES[mode])
    return state._replace(mode=MODES[mode])


def start(transfer, state):
    transfer("START WITH", state.mode)
    return state


def stop(transfer, state):
    transfer("STOP")
    return state


def make(transfer, code, state, trig=from_math):
    """Runs the commands in `code` in order, passes over unknown ones, returns the last state."""
    for command in code:
        word, *arguments = command.split()
        if word == "move":
            state = move(transfer, float(arguments[0]), state, trig)
        elif word == "turn":
            state = turn(transfer, float(arguments[0]), state)
        elif word == "set":
            state = set_state(transfer, arguments[0], state)
        elif word == "start":
            state = start(transfer, state)
        elif word == "stop":
            state = stop(transfer, state)
    return state


def bits_of(value):
    return struct.pack(">d", value).hex() if isinstance(value, float) else str(value)


def from_bits(text):
    return struct.unpack(">d", bytes.fromhex(text))[0]


def ulps_between(a, b):
    """How many doubles lie from one to the other."""
    a, b = (struct.unpack(">q", struct.pack(">d", value))[0] for value in (a, b))
    a, b = (bits if bits >= 0 else -(bits & (2**63 - 1)) for bits in (a, b))
    return abs(a - b)


def answer(question):
    """Runs one question.

    It is: the bits of x, y and angle, and the mode; a tab; commands joined by "; "; a tab; the bits
    of the sine and cosine to use for each move. The answer: by how many ulps the worst of those
    differs from math's; a tab; the state after, as in the question; a tab; the messages joined by
    "; ", their floats as bits.
    """
    before, program, prescribed = question.split("\t")
    *numbers, mode = before.split()
    values = iter([from_bits(text) for text in prescribed.split()])
    ulps_worst = 0

    def prescribed_trig(radians):
        nonlocal ulps_worst
        pair = next(values), next(values)
        for ours, theirs in zip(pair, from_math(radians)):
            if ours != theirs:
                ulps_worst = max(ulps_worst, ulps_between(ours, theirs))
        return pair

    messages = []

    def transfer(*message):
        messages.append(" ".join(map(bits_of, message)))

    state = State(*map(from_bits, numbers), int(mode))
    code = [command for command in program.split("; ") if command]
    state = make(transfer, code, state, prescribed_trig)
    return f"{ulps_worst}\t{' '.join(map(bits_of, state))}\t{'; '.join(messages)}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(answer(line.rstrip("\n")))
