#!/bin/bash
# Stands in for Java in the official image of DynamoDB Local: moto's server, started by its options.
set -e

if [ "$1 $2" != '-jar DynamoDBLocal.jar' ]; then
    echo "this image has no Java: it stands in for DynamoDB Local" >&2
    exit 1
fi
# What DynamoDB Local would take as options, moto takes from its environment.
while [ $# -gt 0 ]; do
    if [ "${1:0:6}" = -MOTO_ ]; then
        export "${1:1}=$2"
        shift
    fi
    shift
done
exec python3 -m moto.server -H 0.0.0.0 -p 8000
