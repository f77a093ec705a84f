#!/bin/bash
# Stands in for the official image of MongoDB: SecantusDB, started by mongod's options.
set -Eeo pipefail
. /usr/local/lib/entrypoint.sh

if [ "${1:0:1}" = '-' ]; then
    set -- mongod "$@"
fi
if [ "$1" = mongod ]; then
    drop mongodb /data "$@"
    file_env MONGO_INITDB_ROOT_PASSWORD
    mongod setup
    unset "${!MONGO_INITDB_@}"
fi
exec "$@"
