#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a script in a real GIMP without a screen, with a profile of its own that holds nothing but what
# the test needs:
#
#   in_gimp.sh PLUGIN_PROGRAM LOCALE_FOLDER SCRIPT.py|SCRIPT.scm|SCRIPT.sh [TEST_NAME_PREFIX]
#
# The script's last line is "N passed, N failed"; the exit status is 0 if nothing failed.  A .sh script
# gets the function `gimp_batch SCRIPT` and says itself what passed.
set -euo pipefail

program=$(readlink -f "$1")
locales=$2
script=$(readlink -f "$3")
export TEST_FILTER=${4:-}
export TEST_SOURCE; TEST_SOURCE=$(cd "$(dirname "$0")" && pwd -P)
project=$(cd "$TEST_SOURCE/../.." && pwd -P)

# The profile's path has what people's paths have.
TEST_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/gimp diffusion tëst 🍎 XXXXXX")
export TEST_FOLDER
gimp_pid=
cleanup()
{
    [ -z "$gimp_pid" ] || kill "$gimp_pid" 2>/dev/null || true
    rm -rf -- "$TEST_FOLDER"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

export HOME=$TEST_FOLDER/home GIMP3_DIRECTORY=$TEST_FOLDER/profile
export XDG_CONFIG_HOME=$HOME/.config XDG_DATA_HOME=$HOME/.local/share XDG_CACHE_HOME=$HOME/.cache
export NO_AT_BRIDGE=1
unset DISPLAY WAYLAND_DISPLAY LANGUAGE
export LC_ALL=${TEST_LOCALE:-C.UTF-8} LANG=${TEST_LOCALE:-C.UTF-8}
plugin=$TEST_FOLDER/plug-ins/gimp-diffusion
mkdir -p "$HOME" "$GIMP3_DIRECTORY/system" "$plugin/models"

# As `meson install' lays it out.
cp "$program" "$plugin/gimp-diffusion"
ln -s "$project/models"/gimp-diffusion-demo*.safetensors "$plugin/models/"
for catalogue in "$locales"/*/LC_MESSAGES/gimp-diffusion.mo; do
    [ -e "$catalogue" ] || continue
    language=$(basename "$(dirname "$(dirname "$catalogue")")")
    mkdir -p "$plugin/locale/$language/LC_MESSAGES"
    cp "$catalogue" "$plugin/locale/$language/LC_MESSAGES/"
done
mkdir -p "$plugin/locale"
ln -s "$project/plugin/help" "$plugin/help"

system=$(pkg-config --variable=gimplibdir gimp-3.0)/plug-ins
for name in script-fu python-eval file-png; do
    ln -s "$system/$name" "$GIMP3_DIRECTORY/system/$name"
done
cat > "$GIMP3_DIRECTORY/gimprc" <<END
(plug-in-path "$GIMP3_DIRECTORY/system:$TEST_FOLDER/plug-ins")
(config-version "3.0.4")
(show-welcome-dialog no)
(check-updates no)
(color-profile-policy keep)
END

# Standard output is the script's; GIMP's own noise goes to a log that is shown when something is wrong.
gimp_batch() # SCRIPT [ENVIRONMENT…]
{
    local interpreter=python-fu-eval code
    code="exec(compile(open('$1').read(), '$1', 'exec'), {'__name__': '__main__'})"
    case $1 in
        *.scm)
            interpreter=plug-in-script-fu-eval
            code="(load \"$1\")"
            ;;
    esac
    # The console has no terminal to wait for and no screen to open.
    gimp-console-3 --no-interface --no-data --batch-interpreter="$interpreter" \
        -b "$code" --quit 2>"$TEST_FOLDER/gimp.log" </dev/null &
    gimp_pid=$!
    local status=0
    wait "$gimp_pid" || status=$?
    gimp_pid=
    return "$status"
}

status=0
case $script in
    *.sh) . "$script" || status=$? ;;
    *) gimp_batch "$script" | tee "$TEST_FOLDER/output" || status=$? ;;
esac
# GIMP itself may write after the count: it finds buffers of plug-ins that were killed when it ends.
if [ "$status" -ne 0 ] || ! grep ' passed, ' "$TEST_FOLDER/output" | tail -n 1 | grep -q '^[1-9][0-9]* passed, 0 failed$'; then
    echo "--- GIMP said:" >&2
    grep -v -E '^$|scriptfu-WARN|gimp_flush|stale context|contexts left|stray image' \
        "$TEST_FOLDER/gimp.log" 2>/dev/null | tail -n 40 >&2
    exit 1
fi
