#!/bin/sh
# Miniflare runs this in place of workerd. It records its own pid before it becomes workerd, so there is no moment at which
# a workerd holds the data and the next start does not know of it. Without the pid file the platform is stopping, and
# Miniflare's attempt to restart what has just been ended must fail.
[ -f "$BREAKWATER_PID_FILE" ] || exit 1
printf '%s\n' "$$" >"$BREAKWATER_PID_FILE" || exit 1

# Ctrl-C and a closing terminal reach the whole process group; only the Node process decides what they do.
trap '' INT HUP

# The import path changes nothing for a binary configuration: it makes the command line say whose workerd this is.
shift
exec "$BREAKWATER_WORKERD" serve "--import-path=$BREAKWATER_DATA_DIR" "$@"
