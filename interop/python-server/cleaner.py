"""The original's logic: pure functions that take a state and return the next one. It knows no wire format."""

from __future__ import annotations

import math
from typing import NamedTuple

RADIANS_PER_DEGREE = math.pi / 180.0


class State(NamedTuple):
    x: float
    y: float
    angle: float
    mode: int


def move(state: State, distance: float) -> State:
    radians = state.angle * RADIANS_PER_DEGREE
    return state._replace(x=state.x + distance * math.cos(radians), y=state.y + distance * math.sin(radians))


def turn(state: State, angle: float) -> State:
    return state._replace(angle=state.angle + angle)


def set_mode(state: State, mode: int) -> State:
    return state._replace(mode=mode)


def start(state: State) -> State:
    return state


def stop(state: State) -> State:
    return state
