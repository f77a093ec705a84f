"""A root file system made of Debian packages: no debootstrap, no privileges, no maintainer scripts.

The mirror is the one that this machine's apt is set up with.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

BASE = ("bash", "coreutils", "sed", "grep", "findutils", "libc-bin", "gosu", "util-linux")
# Nothing in the images needs what these bring, and some bring much.
_LEFT_OUT = (
    *("adduser", "debconf", "locales", "perl", "ssl-cert", "ucf", "fonts-glyphicons-halflings"),
    *("postgresql-common", "postgresql-client-common", "libjs-bootstrap", "libjs-bootstrap4"),
    *("libjs-d3", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery", "libjs-mustache"),
    *("libjs-jquery-hotkeys", "libjs-moment", "libjs-moment-timezone", "libjs-popper.js"),
    "libjs-rickshaw",
    *(f"libllvm{release}" for release in range(13, 23)),
)
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_UNREAD = re.compile(
    r"\./usr/share/(doc|man|locale|info|lintian|javascript)/.|"
    # PostgreSQL compiles queries where it finds this, and needs LLVM for it.
    r".*/lib/(llvmjit|bitcode/)"
)
_MERGED = re.compile(r"^\./(bin|sbin|lib|lib32|lib64|libx32)(?=/|$)")
_USERS = {
    "root": 0,
    "postgres": 990,
    "mysql": 991,
    "mongodb": 992,
    "dynamodblocal": 993,
    "redis": 994,
    "memcache": 995,
    "influxdb": 996,
    "nobody": 65534,
}

_FOLDERS = (
    ("tmp", 0o1777, "root"),
    ("run", 0o755, "root"),
    ("run/mysqld", 0o755, "mysql"),
    ("run/postgresql", 0o755, "postgres"),
    ("var/lib/postgresql/data", 0o700, "postgres"),
    ("var/lib/mysql", 0o700, "mysql"),
    ("var/lib/mysql-files", 0o700, "mysql"),
    ("var/lib/influxdb", 0o700, "influxdb"),
    ("data", 0o755, "redis"),
    ("data/db", 0o755, "mongodb"),
    ("data/configdb", 0o755, "mongodb"),
    ("home/dynamodblocal", 0o755, "dynamodblocal"),
    ("prometheus", 0o755, "nobody"),
    ("alertmanager", 0o755, "nobody"),
)


class Unavailable(Exception):
    """The packages cannot be had here."""


@dataclass(frozen=True)
class Suite:
    """Where packages come from: this machine's own suite, or another one of the same mirror."""

    folder: Path
    name: str = ""

    def download(self, packages: Iterable[str]) -> list[Path]:
        """Fetch the packages and all they depend on; return the archives."""
        if not shutil.which("apt-get"):
            raise Unavailable("this system has no apt-get to get packages with")
        self._prepare()
        if self.name:
            self._apt("update")
        self._apt("install", "--download-only", "--no-install-recommends", *packages)
        return sorted(self._archives.glob("*.deb"))

    @property
    def _archives(self) -> Path:
        return self.folder / "archives"

    def _prepare(self) -> None:
        for folder in (self._archives / "partial", self.folder / "lists/partial"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("".join(map(_claim, _LEFT_OUT)))
        if self.name:
            (self.folder / "sources.list").write_text(self._source())

    def _source(self) -> str:
        asked = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]
        found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        for line in found.splitlines():
            origin, _, uri = line.partition(" ")
            if origin == "Debian" and "security" not in uri:
                return f"deb [signed-by={_KEYS}] {uri} {self.name} main\n"
        raise Unavailable(
            f"this machine's apt knows no Debian mirror, which would have {self.name}"
        )

    def _apt(self, *arguments: str) -> None:
        place = {"Dir::State::status": "status", "Dir::Cache::archives": "archives"}
        if self.name:
            place |= {"Dir::Etc::sourcelist": "sources.list", "Dir::State::lists": "lists"}
        options = [f"-o{key}={self.folder / where}" for key, where in place.items()]
        if self.name:
            options.append("-oDir::Etc::sourceparts=/dev/null")
        quiet = ("-oDir::Cache::pkgcache=", "-oDir::Cache::srcpkgcache=", "-oDebug::NoLocking=1")
        done = subprocess.run(
            ["apt-get", "-qq", "-y", *options, *quiet, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["apt-get gave no reason"])[-1]
            raise Unavailable(f"apt-get {arguments[0]}: {last}")


def write(target: Path, archives: Iterable[Path]) -> None:
    """Write one tar file with the contents of all packages."""
    seen = set()
    with tarfile.open(target, "w") as root:
        for member, content in chain(_skeleton(), *map(_contents, archives)):
            # Packages share folders, and an engine takes each path once.
            if member.name not in seen:
                seen.add(member.name)
                root.addfile(member, content)


def python_of(archives: Iterable[Path]) -> str:
    """Return the version of the Python among the packages, as in 3.11; empty if there is none."""
    found = (re.match(r"python(3\.\d+)-minimal_", archive.name) for archive in archives)
    return next((match[1] for match in found if match), "")


def _claim(package: str) -> str:
    """Tell apt that a package is there already."""
    asked = ["dpkg", "--print-architecture"]
    architecture = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return (
        f"Package: {package}\nStatus: install ok installed\nVersion: 9999\n"
        f"Architecture: {architecture}\nMulti-Arch: allowed\n\n"
    )


def _contents(archive: Path) -> Iterator[tuple[tarfile.TarInfo, io.BufferedReader | None]]:
    unpack = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with (
        subprocess.Popen(unpack, stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as members,
    ):
        for member in members:
            if _UNREAD.match(member.name) or (member.issym() and _MERGED.fullmatch(member.name)):
                continue
            member.name = _MERGED.sub(r"./usr/\1", member.name)
            if member.islnk():
                member.linkname = _MERGED.sub(r"./usr/\1", member.linkname)
            yield member, members.extractfile(member) if member.isreg() else None


def _skeleton() -> Iterator[tuple[tarfile.TarInfo, io.BytesIO | None]]:
    for name in ("bin", "sbin", "lib", "lib64"):
        yield _entry(f"usr/{name}", tarfile.DIRTYPE, 0o755), None
        yield _entry(name, tarfile.SYMTYPE, link=f"usr/{name}"), None
    for name, mode, owner in _FOLDERS:
        yield _entry(name, tarfile.DIRTYPE, mode, owner=_USERS[owner]), None
    yield _entry("var/run", tarfile.SYMTYPE, link="/run"), None
    yield _entry("usr/bin/sh", tarfile.SYMTYPE, link="bash"), None
    passwd = "".join(f"{user}:x:{uid}:{uid}::/:/bin/bash\n" for user, uid in _USERS.items())
    group = "".join(f"{user}:x:{uid}:\n" for user, uid in _USERS.items())
    for name, text in (("etc/passwd", passwd), ("etc/group", group)):
        member = _entry(name, tarfile.REGTYPE, 0o644)
        member.size = len(text)
        yield member, io.BytesIO(text.encode())


def _entry(
    name: str, kind: bytes, mode: int = 0o777, *, link: str = "", owner: int = 0
) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"./{name}")
    member.type, member.mode, member.linkname = kind, mode, link
    member.uid = member.gid = owner
    return member
