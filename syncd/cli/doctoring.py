"""`syncd doctor`: is everything there that the service needs."""

import typer

from syncd.app.doctor import examine
from syncd.cli.terminal import Exit, Json, cli, open_app, print_json, say
from syncd.core.checkup import Checkup, healthy
from syncd.render.doctor import doctor_json, section_text


@cli.command()
def doctor(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Look at credentials, permissions, clocks, store and disk; say what to grant. Exit 0, or 4 if something lacks."""
    sections: dict[str, list[Checkup]] = {}
    for name, found in examine(open_app()):
        sections[name] = list(found)
        if not as_json:
            say(section_text(name, found))
    well = healthy([one for found in sections.values() for one in found])
    if as_json:
        print_json(doctor_json(sections, ok=well))
    elif well:
        say("Nothing is missing.")
    raise typer.Exit(Exit.OK if well else Exit.UNREADABLE)
