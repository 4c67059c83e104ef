"""Run as a script with a root folder: imports every module below it and prints, as JSON, what that did to the world.

The libraries are imported first, unwatched (what they do is theirs); then an audit hook and a watch on os.environ
record what our own modules do. An import may read source and compiled files, and nothing else.
"""

import importlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from support_architecture import HOUSE, imports_of, modules_of

# alembic's own script: alembic runs it inside its context, it is no module to import
NOT_IMPORTED = ("syncd.store.migrations.env",)
LOADED = (".py", ".pyc", ".so")
ASKED_BY_LIBRARIES = ("PYDANTIC_DISABLE_PLUGINS",)  # pydantic asks whenever a model is declared
TOUCHES = (
    "socket.", "sqlite3.", "subprocess.", "shutil.", "tempfile.", "http.client.", "urllib.",
    "os.exec", "os.fork", "os.mkdir", "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.spawn", "os.system",
)  # fmt: skip


class Watch:
    """Records events while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """See one event of the interpreter."""
        if not self.on:
            return
        if event == "open":
            path, _, flags = args
            writes = bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            if writes or not str(path).endswith(LOADED):
                self.seen.append(f"opens {path}")
        elif event.startswith(TOUCHES):
            self.seen.append(event)

    def thread(self) -> None:
        """See a thread begin (an audit event of its own only since Python 3.12)."""
        if self.on:
            self.seen.append("starts a thread")

    def environment(self, key: object) -> None:
        """See one reading of the environment."""
        if self.on and key not in ASKED_BY_LIBRARIES:
            self.seen.append(f"reads the environment: {key!r}")


def watch_environment(watch: Watch) -> None:
    """Make every way of reading os.environ pass by the watch."""
    kind: Any = type(os.environ)
    get, iterate = kind.__getitem__, kind.__iter__

    def getitem(self: Any, key: Any) -> Any:
        watch.environment(key)
        return get(self, key)

    def iterator(self: Any) -> Any:
        watch.environment("all of it")
        return iterate(self)

    kind.__getitem__, kind.__iter__ = getitem, iterator


def watch_threads(watch: Watch) -> None:
    """Make every start of a thread pass by the watch."""
    kind: Any = threading.Thread
    start = kind.start

    def started(self: Any) -> None:
        watch.thread()
        start(self)

    kind.start = started


def warm(names: set[str]) -> None:
    """Import what the house's modules import from elsewhere, and let pydantic look for its plugins once."""
    for name in sorted(names):
        for part in (name.rpartition(".")[0], name):
            try:
                importlib.import_module(part)
            except (ImportError, ValueError):
                continue  # a name inside a module, or a library that the module itself will miss aloud
    if "pydantic" in sys.modules:
        sys.modules["pydantic"].create_model("Warm", field=(int, 0))


def main(root: Path) -> None:
    """Print a list of [module, what it did]."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root))
    modules = [module for module in modules_of(root) if module.name not in NOT_IMPORTED]
    imported = {name for module in modules for _, name in imports_of(module)}
    warm({name for name in imported if name.partition(".")[0] not in HOUSE})
    watch = Watch()
    sys.addaudithook(watch.audit)
    watch_environment(watch)
    watch_threads(watch)
    done: list[tuple[str, str]] = []
    for module in modules:
        watch.on = True
        try:
            found = importlib.import_module(module.name)
        except BaseException as problem:  # noqa: BLE001 - whatever an import does is the finding, SystemExit too
            done.append((module.name, f"cannot be imported: {problem!r}"))
        else:
            if Path(found.__file__ or "").resolve() != module.path.resolve():
                done.append((module.name, f"came from {found.__file__}, not from the tree under test"))
        finally:
            watch.on = False
        done.extend((module.name, what) for what in watch.seen)
        watch.seen.clear()
    json.dump({"modules": len(modules), "done": done}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
