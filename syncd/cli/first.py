"""The end of `syncd init` on a terminal: what was answered is tried, up to a first plan. No tracker is written to."""

import getpass
import os
import time

from syncd.app import App
from syncd.app.doctor import examine
from syncd.cli.terminal import Given, complain, progress, say
from syncd.core.checkup import healthy
from syncd.core.errors import SyncdError
from syncd.render.doctor import section_text
from syncd.render.text import plan_text
from syncd.settings import Secret, Settings


def try_it() -> None:
    """Ask for the token, examine the tracker, and show what would be written. The token is kept nowhere."""
    settings = App(Given.directory, os.environ).settings()
    secrets = _secrets(settings)
    if secrets is None:
        return
    environ = {**os.environ, **secrets}
    try:
        found = [section for section in examine(App(Given.directory, environ)) if section[0] != "store"]
        for name, checkups in found:
            say(section_text(name, checkups))
        if not healthy([one for _, checkups in found for one in checkups]):
            complain("Mend what is WRONG, then: syncd doctor")
            return
        with progress() as watch:
            app = App(Given.directory, environ, wait=time.sleep)
            app.watch = watch or app.watch
            shown = app.plan()
    except SyncdError as failed:
        complain(str(failed))
        return
    say(plan_text(shown.plan, shown.refusals))


def _secrets(settings: Settings) -> dict[str, str] | None:
    """The variables that the files name and that are not set, as somebody types them; None: later."""
    given = {}
    for tracker in settings.trackers:
        for secret in tracker.auth.values():
            if isinstance(secret, Secret) and secret.origin == "env" and secret.name not in os.environ:
                typed = getpass.getpass(f"${secret.name}, to try it now (not shown, not kept; empty: later): ")
                if not typed:
                    return None
                given[secret.name] = typed
    return given
