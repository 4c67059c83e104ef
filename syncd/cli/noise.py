"""`syncd noise`: how many people syncd tells something, and how often somebody then acts."""

from syncd.app.noise import noise
from syncd.cli.terminal import Json, cli, open_app, print_json, say
from syncd.render.noise import noise_json, noise_lines


@cli.command(name="noise")
def noise_(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Tell whom syncd told what in the last 90 days, whose comments people act on, and what it holds back. Exit 0."""
    told = noise(open_app())
    if as_json:
        print_json(noise_json(told))
    else:
        say("\n".join(noise_lines(told)))
