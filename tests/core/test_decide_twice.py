"""The fast decider against one written from DESIGN §4 as plain loops, on thousands of random cases."""

from collections import Counter
from random import Random

import pytest
from support_random_cases import RandomCase, random_case
from support_slow_decider import Answer, in_dates, slow_decide
from support_values import NOW

from syncd.core.decide import Decider
from syncd.core.match import Matcher
from syncd.core.model import Decision, Mapped

CASES = 2_000
KINDS_OF_CASE = ("conflict", "inherited", "incomplete", "default", "override", "rule", "unmapped", "out of dates")
AT_LEAST = 0.05


def as_answer(decision: Decision) -> Answer:
    kind, outcome = decision.pair
    return Answer(
        kind=kind,
        outcome=outcome,
        objective=decision.verdict.objective if isinstance(decision.verdict, Mapped) else None,
        via=None if decision.via is None else decision.via.value,
        spoke=decision.spoke,
        sources=frozenset(e.source for e in decision.evidence),
    )


def kinds_of(case: RandomCase, answer: Answer) -> set[str]:
    out_of_dates = any(not in_dates(rule, case.rulebook, case.day) for rule in case.rulebook.rules)
    return {answer.kind, answer.via or answer.kind} | ({"out of dates"} if out_of_dates else set())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_index_decides_what_plain_loops_decide(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(seed)  # noqa: S311 - cases to try, not secrets
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        case = random_case(random)
        fast = Decider(Matcher(case.rulebook, case.day), NOW).decide(case.issue, case.lineage, case.overrides)
        slow = slow_decide(case.issue, case.lineage, case.rulebook, case.overrides, now=NOW, day=case.day)
        assert as_answer(fast) == slow, case
        seen.update(kinds_of(case, slow))
    shares = {kind: seen[kind] / CASES for kind in KINDS_OF_CASE}
    with capsys.disabled():
        told = ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items())
        print(f"\nseed {seed}: {CASES} random cases decided twice: {told}")  # noqa: T201 - the proof that it tried
    assert all(share >= AT_LEAST for share in shares.values()), shares
