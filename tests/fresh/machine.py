"""A bare Debian in a directory: nothing but git, make and Python, on this machine's mirrors."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BARE = ("git", "make", "python3", "python3-venv")
CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
PASSED_ON = re.compile(r"PIP_\w+|(https?|no|all)_proxy|" + "|".join(CERTIFICATES), re.IGNORECASE)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOST = ".host"
_ENTER = f"""
cd "$0" && mkdir -p {_HOST} && pivot_root . {_HOST} && umount --lazy /{_HOST} && exec "$@"
"""


def output(*command: str) -> str:
    """Return what a command prints, or nothing where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def release() -> str:
    """Return the code name of the running distribution, as in `bookworm`."""
    facts = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text().splitlines()
        if "=" in line
    )
    return facts.get("VERSION_CODENAME", "").strip('"')


def mirror() -> str:
    """Return the address from which apt takes the running distribution."""
    targets = output("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)")
    for line in targets.splitlines():
        suite, _, address = line.partition(" ")
        if suite == release():
            return address
    sys.exit("apt names no mirror of the running release.\nNext: sudo apt-get update; make fresh")


def pip_settings() -> dict[str, str]:
    """Return this machine's settings of pip as environment variables."""
    settings = {}
    for line in output(sys.executable, "-m", "pip", "config", "list").splitlines():
        key, _, value = line.partition("=")
        # A file of constraints is this machine's own; the lock alone says which versions fit.
        if not key.startswith(":env:") and not key.endswith(".constraint"):
            name = "PIP_" + key.rpartition(".")[2].upper().replace("-", "_")
            settings[name] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def environment() -> dict[str, str]:
    """Return the variables that lead to the package indexes, and nothing else of this session."""
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    return {**pip_settings(), **passed, "PATH": PATH, "LANG": "C.UTF-8"}


def index_directories() -> list[Path]:
    """Return the directories that the settings of pip name; an index has its files beside it."""
    found = []
    for word in " ".join(environment().values()).split():
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.is_dir():
            found.append(path.parent if path.name == "simple" else path)
    return found


def bare_tree(suite: str) -> Path:
    """Return the archive of a bare system, made once and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    archive = cache / "mlops-database-kit" / f"bare-{suite}-{'-'.join(BARE)}.tar"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    tree = archive.with_suffix(f".{os.getpid()}")
    packages = ",".join(BARE)
    try:
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", suite, tree, mirror()],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        unfinished = tree.with_suffix(".unfinished")
        subprocess.run(["tar", "-C", tree, "-cf", unfinished, "."], check=True)
        unfinished.rename(archive)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        tree.with_suffix(".unfinished").unlink(missing_ok=True)
    return archive


def build(tree: Path, suite: str) -> None:
    """Unpack a bare system and lead it to this machine's mirrors and certificates."""
    subprocess.run(["tar", "-C", tree, "-xf", bare_tree(suite)], check=True)
    parts = ["apt.conf.d", "auth.conf.d", "keyrings", "trusted.gpg.d", "trusted.gpg"]
    if suite == release():
        parts += ["sources.list", "sources.list.d", "preferences.d"]
        (tree / "etc/apt/sources.list").unlink(missing_ok=True)
    else:
        (tree / "etc/apt/sources.list").write_text(f"deb {mirror()} {suite} main\n")
    for name in [f"/etc/apt/{part}" for part in parts] + ["/usr/share/keyrings", "/etc/ssl/certs"]:
        copy(Path(name), tree)
    for name in ("/etc/resolv.conf", "/etc/hosts", *(os.environ.get(key) for key in CERTIFICATES)):
        copy(Path(name or "/nowhere"), tree)


def copy(source: Path, tree: Path) -> None:
    """Copy a file or directory to the same place in the tree, links as what they lead to."""
    target = tree / source.relative_to("/")
    if source.is_dir():
        # An absolute link left in the tree would lead the copy out of it.
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore_dangling_symlinks=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)


def mount(tree: Path) -> None:
    """Mount what programs expect; the caller's own mount namespace takes it away again."""
    # Only a mount can become the root of a namespace: see `entry`.
    subprocess.run(["mount", "--bind", tree, tree], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", tree / "proc"], check=True)
    for place in ("dev", "sys"):
        subprocess.run(["mount", "--rbind", f"/{place}", tree / place], check=True)
    for directory in index_directories():
        inside = tree / directory.relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", directory, inside], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", inside], check=True)


def entry(tree: Path, user: str) -> list[str]:
    """Return the words before a command that is to run in the machine, as one of its users.

    After a mere chroot, what joins the namespace of a container would find this machine's files.
    """
    apart = ["unshare", "--mount", "sh", "-c", _ENTER, str(tree)]
    return [*apart, "chroot", f"--userspec={user}:{user}", "--groups=", "/"]
