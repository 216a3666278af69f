"""The table: medians per case and peer, their ratios, and whether the targets are reached."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.cases import TARGETS, TITLES, Case, Target
from bench.load import Sample
from bench.peers.base import Peer

SUBJECT = "mainspring"
STEADY = 1.3  # fastest over slowest round
Results = dict[Case, dict[str, list[Sample]]]


def table(results: Results, peers: Sequence[Peer]) -> str:
    """A markdown table, a line per case: requests per second, Mainspring's ratios, the targets."""
    measured = any(peer.name == SUBJECT for peer in peers)
    rivals = [peer for peer in peers if measured and peer.name != SUBJECT]
    rates_of, ratios_to = [f"{peer.title} /s" for peer in peers], [f"x {peer.title}" for peer in rivals]
    heads = ["case", *rates_of, *ratios_to, "target"]
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 2), "---"])]
    for case, by_peer in results.items():
        rates = {name: median(sample.per_second for sample in samples) for name, samples in by_peer.items()}
        figures = [f"{rates[peer.name]:,.0f}" for peer in peers]
        ratios = [f"{rates[SUBJECT] / rates[rival.name]:.2f}" for rival in rivals]
        lines.append(_line([TITLES[case], *figures, *ratios, _targets(case, rates)]))
    return "\n".join(lines)


def latencies(results: Results, peers: Sequence[Peer]) -> str:
    """A markdown table of median and 99th percentile latency in ms, median over the rounds."""
    served = [peer for peer in peers if any(by[peer.name][0].p99_ms for by in results.values())]
    lines = [
        _line(["latency p50 / p99, ms", *(peer.title for peer in served)]),
        _line(["---", *["---:"] * len(served)]),
    ]
    for case, by_peer in results.items():
        lines.append(_line([TITLES[case], *(_latency(by_peer[peer.name]) for peer in served)]))
    return "\n".join(lines)


def failures(results: Results) -> list[str]:
    """One sentence for each case and peer that refused or broke requests under load."""
    found = []
    for case, by_peer in results.items():
        for name, samples in by_peer.items():
            if count := sum(sample.failures for sample in samples):
                found.append(f"{name} failed {count:,} requests of `{case}`: its figure does not count")
    return found


def unsteady(results: Results) -> list[str]:
    """One sentence for each case and peer whose rounds differ so much that the machine was not quiet."""
    found = []
    for case, by_peer in results.items():
        for name, samples in by_peer.items():
            rates = [sample.per_second for sample in samples]
            if max(rates) > STEADY * min(rates):
                found.append(f"unsteady: {name} `{case}` {min(rates):,.0f} to {max(rates):,.0f} /s")
    return found


def _latency(samples: list[Sample]) -> str:
    return f"{median(s.p50_ms for s in samples):.2f} / {median(s.p99_ms for s in samples):.2f}"


def _targets(case: Case, rates: dict[str, float]) -> str:
    return ", ".join(_target(target, rates) for target in TARGETS[case]) or "-"


def _target(target: Target, rates: dict[str, float]) -> str:
    wanted = f"{target.ratio:g}x {target.peer}"
    if SUBJECT not in rates or target.peer not in rates:
        return wanted
    reached = rates[SUBJECT] >= target.ratio * rates[target.peer]
    return f"{wanted}: {'reached' if reached else '**missed**'}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
