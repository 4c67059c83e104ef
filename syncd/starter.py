"""Where the starter files are: the config/ that syncd ships, for `syncd init`, the demo and the tests."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path


def starter_files() -> Traversable:
    """Return the folder that holds the starter syncd.yaml, strategy.yaml and rules.yaml.

    In a wheel they are package data (`syncd/_config`), in a clone the folder `config/` beside the package. The
    answer is for reading and copying only, never a place to write to.

    Raises:
        FileNotFoundError: this installation holds neither, so it was not built as syncd is built.
    """
    packaged = resources.files("syncd") / "_config"
    beside = Path(__file__).resolve().parent.parent / "config"
    for folder in (packaged, beside):
        if (folder / "syncd.yaml").is_file():
            return folder
    raise FileNotFoundError(f"the starter files are missing from this installation: neither {packaged} nor {beside}")
