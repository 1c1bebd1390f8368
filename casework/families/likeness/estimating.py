"""
Estimates weights from a council's own records, by expectation and maximisation (Dempster and others, 1977).

Nobody has to say who is who. Pairs that share a key fall into three kinds (one person, one family, strangers), of which
the probabilities of each level and the kinds of the pairs are estimated in turn. It begins with weights that are
known, so that the kinds keep their meaning. What strangers share by chance is counted in pairs taken at random.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.families.likeness.comparing import Levels
from casework.families.likeness.weights import Means, Weights, read_weights, shipped

ROUNDS = 30
# So many pairs count as seen with the probabilities that are known already: no level falls to nothing.
SEEN_BEFORE = 100.0
KINDS = ("m", "f", "u")
# What a council's weights are called that were estimated from the shipped ones.
OWN = "own"

Pattern = tuple[tuple[str, str], ...]
Probabilities = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Seen:
    """How often each pattern of levels was seen: in pairs that share a key, and in pairs taken at random."""

    sharing: Mapping[Pattern, int]
    at_random: Mapping[Pattern, int]


def counted(pairs: Iterable[Levels]) -> Counter[Pattern]:
    """How often each pattern of levels is among the pairs."""
    return Counter(tuple(sorted(pair.items())) for pair in pairs)


def estimate(weights: Weights, seen: Seen) -> Weights:
    """The next version of the weights, estimated from what was seen and from what is known."""
    named = [(field, name, level) for field, levels in weights.levels.items() for name, level in levels.items()]
    known = {kind: {(field, name): getattr(level, kind) for field, name, level in named} for kind in KINDS}
    found = {kind: dict(probabilities) for kind, probabilities in known.items()}
    shares = dict.fromkeys(KINDS, 1 / 3)
    for _ in range(ROUNDS):
        found, shares = _round(known, found, shares, seen.sharing)
    found["u"] = _probabilities(known["u"], _counts({"u": dict.fromkeys(seen.at_random, 1.0)}, seen.at_random)["u"])
    return _next_version(weights, found)


def _round(
    known: Mapping[str, Probabilities],
    found: Mapping[str, Probabilities],
    shares: Mapping[str, float],
    patterns: Mapping[Pattern, int],
) -> tuple[dict[str, Probabilities], dict[str, float]]:
    kinds: dict[str, dict[Pattern, float]] = {kind: {} for kind in KINDS}
    for pattern in patterns:
        likely = dict(shares)
        for kind in KINDS:
            for level in pattern:
                likely[kind] *= found[kind][level]
        total = sum(likely.values()) or 1.0
        for kind in KINDS:
            kinds[kind][pattern] = likely[kind] / total
    all_pairs = sum(patterns.values()) or 1
    counts = _counts(kinds, patterns)
    return (
        {kind: _probabilities(known[kind], counts[kind]) for kind in KINDS},
        {kind: sum(kinds[kind][each] * times for each, times in patterns.items()) / all_pairs for kind in KINDS},
    )


def _counts(
    kinds: Mapping[str, Mapping[Pattern, float]],
    patterns: Mapping[Pattern, int],
) -> dict[str, dict[tuple[str, str], float]]:
    """How many pairs of each kind have each level: a fraction of a pair where its kind is not certain."""
    counts: dict[str, dict[tuple[str, str], float]] = {kind: defaultdict(float) for kind in kinds}
    for kind, share in kinds.items():
        for pattern, times in patterns.items():
            for level in pattern:
                counts[kind][level] += share[pattern] * times
    return counts


def _probabilities(known: Probabilities, counts: Mapping[tuple[str, str], float]) -> Probabilities:
    totals: dict[str, float] = defaultdict(float)
    for (field, _), count in counts.items():
        totals[field] += count
    return {
        level: (counts.get(level, 0.0) + SEEN_BEFORE * before) / (totals[level[0]] + SEEN_BEFORE)
        for level, before in known.items()
    }


def _next_version(weights: Weights, found: Mapping[str, Probabilities]) -> Weights:
    document: dict[str, Any] = weights.model_dump(mode="json")
    document["version"] += 1
    if document["weights"] == shipped().weights:
        document["weights"] = OWN
    for field, levels in document["levels"].items():
        for name, level in levels.items():
            m, f, u = (_written(found[kind][field, name]) for kind in KINDS)
            if level["means"] in {Means.EXACTLY, Means.AGREES}:
                f, u = min(f, m), min(u, m)
            elif level["means"] == Means.CONTRADICTS:
                f, u = max(f, m), max(u, m)
            level |= {"m": m, "f": f, "u": u}
    return read_weights(document)


def _written(probability: float) -> float:
    """Rounds to three significant digits; the estimates are no more precise."""
    return min(0.999, max(1e-7, float(f"{probability:.3g}")))
