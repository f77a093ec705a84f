# Shared by the entrypoints: what the official images call file_env.

# file_env VAR: take VAR from the file that VAR_FILE names, if it is set.
file_env() {
    local var="$1" file="${1}_FILE"
    if [ -n "${!file:-}" ]; then
        export "$var"="$(<"${!file}")"
    fi
    unset "$file"
}

# drop USER FOLDER ARGUMENT...: give USER its folders and start again as USER.
drop() {
    local user="$1" folder="$2"
    shift 2
    if [ "$(id -u)" = 0 ]; then
        find "$folder" \! -user "$user" -exec chown "$user" '{}' +
        exec gosu "$user" "$0" "$@"
    fi
}
