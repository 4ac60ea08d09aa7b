#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Each header compiles alone, and twice: check_headers.sh BUILD COMPILER…, from the source folder.
set -eu
build=$1
shift
passed=0
failed=0
gtk=$(pkg-config --cflags gtk+-3.0 2>/dev/null | sed 's/-I/-isystem /g') || gtk=
gimp=$(pkg-config --cflags gimpui-3.0 2>/dev/null | sed 's/-I/-isystem /g') || gimp=

for header in $(find engine plugin ui tests -name '*.h' | sort); do
    case $header in
        plugin/*) [ -n "$gimp" ] || continue; flags=$gimp ;;
        ui/* | tests/ui/*) [ -n "$gtk" ] || continue; flags=$gtk ;;
        *) flags= ;;
    esac
    if printf '#include "%s"\n#include "%s"\nint nothing;\n' "$header" "$header" |
        "$@" -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -D_GNU_SOURCE \
            -I. -Iengine -Iplugin -I"$build" -I"$build/plugin" $flags -x c - >"${TMPDIR:-/tmp}/headers.$$" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $header stands alone"
    else
        failed=$((failed + 1))
        echo "FAIL $header stands alone"
        sed 's/^/     /' "${TMPDIR:-/tmp}/headers.$$"
    fi
done
rm -f "${TMPDIR:-/tmp}/headers.$$"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
