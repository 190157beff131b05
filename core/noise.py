"""Smooth random curves that are a pure function of seed and second, the same bits on every machine.

Only + - * /, integer hashing and powers of two are used: their results are fixed by IEEE 754, which those of
a library's exp or sin are not. The curve is a sum of octaves with periods of 1, 2, 4 ... seconds; each
draws a random value at every multiple of its period and eases from one to the next. With amplitudes
that grow like the root of the period it moves like a random walk, yet any moment is known at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

OCTAVES = 26
"""Periods of 1 second to 2^25 seconds, a little over a year."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
UNIT = 2.0**-53
LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
EXP_TERMS = tuple(
    1.0 / f for f in (39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1)
)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One or more curves side by side: arrays of shape (OCTAVES, curves)."""

    seeds: Hashes
    phases: Ints
    amplitudes: Floats


def make_track(seeds: list[int], amplitudes: list[tuple[float, ...]]) -> Track:
    """One curve for each seed. The phases keep the octaves from turning all at the same second."""
    octave = np.arange(OCTAVES, dtype=np.uint64)[:, None]
    own = mix(np.array(seeds, dtype=np.uint64)[None, :] + octave * GOLDEN)
    periods = np.left_shift(np.int64(1), np.arange(OCTAVES, dtype=np.int64))[:, None]
    phases = (mix(own) >> np.uint64(12)).astype(np.int64) & (periods - 1)
    return Track(own, phases, np.array(amplitudes, dtype=np.float64).T.copy())


def mix(state: Hashes) -> Hashes:
    """The finisher of splitmix64: every bit of the state decides every bit of the result."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def uniform(seeds: Hashes, index: Ints) -> Floats:
    """A number from 0 up to 1 for each index, unrelated to that of its neighbour."""
    return (mix(seeds + index.view(np.uint64) * GOLDEN) >> np.uint64(11)).astype(np.float64) * UNIT


def ease(share: Floats) -> Floats:
    """0 to 1 without a corner at either end."""
    return share * share * (3.0 - 2.0 * share)


def noise_now(track: Track, seconds: Ints) -> Floats:
    """Every curve of `track` at its own second."""
    octave = np.arange(OCTAVES, dtype=np.int64)[:, None]
    here = seconds[None, :] + track.phases
    index = here >> octave
    share = (here - (index << octave)).astype(np.float64) / np.ldexp(1.0, octave.astype(np.int32))
    drawn = uniform(track.seeds[None], np.stack((index, index + 1)))
    terms = _between(drawn[0], drawn[1], share) * track.amplitudes
    # accumulate adds row by row; sum may pair them up, which would round differently.
    last: Floats = np.add.accumulate(terms, axis=0)[-1]
    return last


def noise_along(track: Track, seconds: Ints) -> Floats:
    """The only curve of `track` at many ascending seconds: the same bits as `noise_now`, faster."""
    total = np.zeros(len(seconds), dtype=np.float64)
    for octave in range(OCTAVES):
        amplitude = track.amplitudes[octave, 0]
        if amplitude == 0.0:
            continue
        here = seconds + track.phases[octave, 0]
        index = here >> octave
        share = (here - (index << octave)).astype(np.float64) / 2.0**octave
        first, last = int(index[0]), int(index[-1]) + 1
        if last - first <= 2 * len(seconds):
            lattice = uniform(track.seeds[octave], np.arange(first, last + 1, dtype=np.int64))
            index -= first
            before, after = lattice[index], lattice[index + 1]
        else:
            before = uniform(track.seeds[octave], index)
            after = uniform(track.seeds[octave], index + 1)
        total = total + _between(before, after, share) * amplitude
    return total


def _between(before: Floats, after: Floats, share: Floats) -> Floats:
    """From -1 to 1."""
    value = before + (after - before) * ease(share)
    return value * 2.0 - 1.0


def exp(value: Floats) -> Floats:
    """e to the power of `value`, correct to some 15 digits and the same bits everywhere."""
    twos = np.rint(value * LOG2_E)
    rest = (value - twos * LN2_HIGH) - twos * LN2_LOW
    result = np.full_like(rest, EXP_TERMS[0])
    for term in EXP_TERMS[1:]:
        result = result * rest + term
    scaled: Floats = np.ldexp(result, twos.astype(np.int32))
    return scaled
