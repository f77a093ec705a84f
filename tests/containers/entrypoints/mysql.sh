#!/bin/bash
# Stands in for the official image of MySQL, with Oracle's server as Debian packages it.
set -Eeo pipefail
. /usr/local/lib/entrypoint.sh

if [ "${1:0:1}" = '-' ]; then
    set -- mysqld "$@"
fi
if [ "$1" = mysqld ]; then
    drop mysql /var/lib/mysql "$@"
    file_env MYSQL_ROOT_PASSWORD
    file_env MYSQL_PASSWORD
    if [ ! -d /var/lib/mysql/mysql ]; then
        : "${MYSQL_ROOT_PASSWORD:?is needed to make the first user}"
        setup="$(mktemp)"
        {
            # As in the official image, the log keeps the rest of this, and not what `root` gets.
            echo "SET SESSION sql_log_bin = 0;"
            echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
            echo "CREATE USER 'root'@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
            echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
            echo "SET SESSION sql_log_bin = 1;"
            if [ -n "$MYSQL_DATABASE" ]; then
                echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
            fi
            if [ -n "$MYSQL_USER" ] && [ -n "$MYSQL_PASSWORD" ]; then
                echo "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';"
                echo "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"
            fi
        } >"$setup"
        "$@" --initialize-insecure --init-file="$setup"
        rm "$setup"
    fi
    unset MYSQL_ROOT_PASSWORD MYSQL_PASSWORD
fi
exec "$@"
