#!/bin/bash
# Stands in for the official image of Memcached, with Debian's package.
set -e

if [ "${1#-}" != "$1" ]; then
    set -- memcached "$@"
fi
exec "$@"
