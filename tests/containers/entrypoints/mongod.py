#!/usr/bin/python3
"""Stand in for `mongod`: check its options as it does, then run SecantusDB."""

import os
import stat
import subprocess
import sys
import time

DATA = "/data/db"
SERVER = [sys.executable, "-m", "secantus", "--storage-path", DATA]
SYNCED = "--sync-on-commit"
ADDRESS = ["--host", "0.0.0.0", "--port", "27017"]  # noqa: S104


def main() -> None:
    if sys.argv[1:] == ["setup"]:
        if not os.listdir(DATA):
            make_user()
        return
    auth, server = [], []
    if os.environ.get("SECANTUS_SYNC_ON_COMMIT") != "off":
        server.append(SYNCED)
    options = iter(sys.argv[1:])
    for option in options:
        name, _, value = option.partition("=")
        if name == "--keyFile":
            check_key(value or next(options))
            auth = ["--auth"]
        elif name == "--replSet":
            # A single SecantusDB has transactions and change streams as it is.
            value or next(options)
        elif name == "--auth":
            auth = ["--auth"]
        elif name != "--bind_ip_all":
            server.append(option)
    os.execv(sys.executable, [*SERVER, *ADDRESS, *auth, *server])  # noqa: S606


def check_key(path: str) -> None:
    facts = os.stat(path)
    if facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o077:
        sys.exit(f"permissions on {path} are too open")


def make_user() -> None:
    import pymongo

    user, password = (os.environ[f"MONGO_INITDB_ROOT_{name}"] for name in ("USERNAME", "PASSWORD"))
    server = subprocess.Popen([*SERVER, SYNCED, "--host", "127.0.0.1", "--port", "27017"])
    client = pymongo.MongoClient("127.0.0.1", 27017, directConnection=True)
    while server.poll() is None:
        try:
            client.admin.command("createUser", user, pwd=password, roles=["root"])
            break
        except pymongo.errors.ConnectionFailure:
            time.sleep(0.05)
    client.close()
    # A SIGTERM that comes just before the server begins to wait for one is never acted on. What
    # was acknowledged is on the disk.
    server.kill()
    if server.wait() >= 0:
        sys.exit("SecantusDB ended while its user was being made")


main()
