#!/bin/bash
# Stands in for the official image of Redis, with Debian's package.
set -e
. /usr/local/lib/entrypoint.sh

if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = redis-server ]; then
    drop redis . "$@"
    umask 0077
fi
exec "$@"
