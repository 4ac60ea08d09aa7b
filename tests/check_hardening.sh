#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the built programs must have against faults in what reads foreign files: check_hardening.sh PROGRAM…
set -eu
passed=0
failed=0

check() # WHAT COMMAND…
{
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok   $what"
    else
        failed=$((failed + 1))
        echo "FAIL $what"
    fi
}

has() { printf '%s\n' "$1" | grep -qE "$2"; }
has_not() { ! has "$@"; }

for program in "$@"; do
    name=${program##*/}
    header=$(readelf -hlW "$program")
    dynamic=$(readelf -dW "$program")
    symbols=$(readelf --dyn-syms -W "$program")
    check "$name can lie anywhere (PIE)" has "$dynamic" 'FLAGS_1.* PIE'
    check "$name has no stack that runs" has "$header" 'GNU_STACK .* RW '
    check "$name binds before it runs" has "$dynamic" 'BIND_NOW|FLAGS_1.* NOW'
    check "$name has its tables read-only" has "$header" 'GNU_RELRO'
    check "$name has canaries" has "$symbols" '__stack_chk_fail'
    check "$name checks copies" has "$symbols" '__(mem|str|snprintf|fprintf|vsnprintf|read)[a-z]*_chk'
    check "$name has no part that is written and run" has_not "$header" 'LOAD .* RWE '
    case $(uname -m) in
        # Ours are marked; Debian's start files are not, so that the whole file carries no such note.
        x86_64) check "$name marks where jumps may go" has "$(objdump -d --disassemble=main "$program")" 'endbr64' ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
