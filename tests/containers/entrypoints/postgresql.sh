#!/bin/bash
# Stands in for the official image of PostgreSQL, with Debian's packages.
set -Eeo pipefail
. /usr/local/lib/entrypoint.sh

if [ "${1:0:1}" = '-' ]; then
    set -- postgres "$@"
fi
export PATH="$(echo /usr/lib/postgresql/*/bin):$PATH"

if [ "$1" = postgres ]; then
    drop postgres "$PGDATA" "$@"
    file_env POSTGRES_PASSWORD
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        : "${POSTGRES_PASSWORD:?is needed to make the first user}"
        user="${POSTGRES_USER:-postgres}" database="${POSTGRES_DB:-${POSTGRES_USER:-postgres}}"
        # shellcheck disable=SC2086
        initdb --pgdata="$PGDATA" --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
            --auth-local=trust --auth-host=scram-sha-256 $POSTGRES_INITDB_ARGS
        printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
        printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
        pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses=''" start
        if [ "$database" != postgres ]; then
            createdb --username="$user" --no-password --maintenance-db=postgres "$database"
        fi
        pg_ctl --pgdata="$PGDATA" --wait --mode=fast stop
    fi
    unset POSTGRES_PASSWORD
fi
exec "$@"
