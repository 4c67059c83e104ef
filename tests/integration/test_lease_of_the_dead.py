"""A lease whose holder is proven to have ended is taken at once; where nothing is proven, it runs its time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support_stage import TRACKER, Stage, staged

from syncd.core.errors import Busy
from syncd.engine.holding import Holder, gone_holder, holder_words

TTL = timedelta(minutes=2)


@contextmanager
def a_process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def holder_of(pid: int) -> Holder:
    """As that process would call itself."""
    began = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    return replace(Holder.here(), pid=pid, began=began)


def test_a_holder_is_told_to_people_by_number_and_host_and_read_back_whole() -> None:
    here = Holder.here()
    assert Holder.of(str(here)) == here
    assert holder_words(str(here)) == f"pid {os.getpid()} on {here.host}"
    assert here.view
    assert Holder.of("li, by hand") is None
    assert holder_words("li, by hand") == "li, by hand"


def test_a_living_process_is_not_gone_and_a_killed_one_is() -> None:
    with a_process() as process:
        holder = str(holder_of(process.pid))
        assert gone_holder(holder) is None
        process.kill()
        process.wait()
        assert gone_holder(holder) == holder


def test_a_killed_process_that_nobody_waited_for_is_gone_too() -> None:
    with a_process() as process:
        holder = str(holder_of(process.pid))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still in the list
        assert gone_holder(holder) == holder


def test_a_number_that_was_given_out_again_is_another_process() -> None:
    with a_process() as process:
        assert gone_holder(str(replace(holder_of(process.pid), began="1"))) is not None


@pytest.mark.parametrize(
    "changed", [{"host": "elsewhere"}, {"view": "another-boot/pid:[1]"}, {"began": "", "view": ""}]
)
def test_of_another_host_boot_or_container_nothing_is_proven(changed: dict[str, str]) -> None:
    assert gone_holder(str(replace(Holder.here(), pid=2**22 + 1, **changed))) is None


def test_what_is_no_holder_of_ours_is_not_gone() -> None:
    assert gone_holder("li, by hand") is None
    assert gone_holder(None) is None


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        yield stage


def test_a_command_after_a_kill_does_not_wait_and_one_beside_a_living_process_does(stage: Stage) -> None:
    with a_process() as process, stage.store() as store:
        assert store.acquire(TRACKER, str(holder_of(process.pid)), stage.clock.now(), TTL * 10)
        before = stage.clock.now()
        with pytest.raises(Busy, match=f"pid {process.pid} on"):
            stage.once()
        assert stage.clock.now() - before >= timedelta(seconds=60)
        process.kill()
        process.wait()
        before = stage.clock.now()
        assert stage.once().complete
        assert stage.clock.now() == before
