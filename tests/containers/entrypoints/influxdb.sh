#!/bin/bash
# Stands in for the official image of InfluxDB 1.x, with Debian's packages.
set -e

if [ "${1:0:1}" = '-' ]; then
    set -- influxd "$@"
fi
if [ "$1" = influxd ] && [ ! -d /var/lib/influxdb/meta ] && [ -n "$INFLUXDB_DB$INFLUXDB_ADMIN_USER" ]; then
    query=(influx -host 127.0.0.1 -port 8086)
    INFLUXDB_HTTP_BIND_ADDRESS=127.0.0.1:8086 influxd &
    until "${query[@]}" -execute 'SHOW DATABASES' &>/dev/null || ! kill -0 $!; do
        sleep 0.1
    done
    if [ -n "$INFLUXDB_ADMIN_USER" ]; then
        "${query[@]}" -execute "CREATE USER \"$INFLUXDB_ADMIN_USER\" WITH PASSWORD '$INFLUXDB_ADMIN_PASSWORD' WITH ALL PRIVILEGES"
        export INFLUX_USERNAME="$INFLUXDB_ADMIN_USER" INFLUX_PASSWORD="$INFLUXDB_ADMIN_PASSWORD"
    fi
    if [ -n "$INFLUXDB_DB" ]; then
        "${query[@]}" -execute "CREATE DATABASE \"$INFLUXDB_DB\""
    fi
    kill $!
    wait
fi
exec "$@"
