"""What one change costs on the wire: one call for a label, one more with a comment, none for an echo."""

from pathlib import Path

from support_stage import staged


def test_a_label_is_one_call_a_comment_one_more_and_an_echo_none(tmp_path: Path) -> None:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        stage.later(minutes=1)
        polls = stage.later(minutes=1).requests
        stage.create(labels=["sre"])
        assert stage.later(minutes=1).requests == polls + 1, "a label"
        assert stage.later(minutes=1).requests == polls, "its echo"
        key = stage.create(labels=["sre", "finops"])
        with stage.watched() as traffic:
            stage.later(minutes=1)
        assert [e.method for e in traffic.seen if e.method == "PUT"] == ["PUT"], key
        assert len(traffic.of("POST", r"issue/\d+/comment")) == 1, "at most one more with a comment"
        with stage.watched() as traffic:
            assert stage.later(minutes=1).requests == polls, "the echo of both"
        assert traffic.writes == []
