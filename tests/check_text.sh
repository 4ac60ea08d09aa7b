#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How sources are written: check_text.sh, from the source folder.  Each rule is one test.
set -eu
passed=0
failed=0

rule() # RULE BREACHES
{
    if [ -z "$2" ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        printf '%s\n' "$2" | head -n 20 | sed 's/^/     /'
    fi
}

code=$(find engine plugin ui tests -name '*.[ch]' | sort)
scripts="dev .ci/run $(find tests -name run -o -name '*.sh' -o -name '*.py' | sort)"
builds=$(find . -name meson.build -not -path './build/*' -not -path './.debian13/*' | sort)
tab=$(printf '\t')

rule 'every file of code begins with its licence' \
    "$(for file in $code $scripts $builds; do
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' || echo "$file"
    done)"
rule 'there are no tabs' "$(grep -n "$tab" $code $scripts $builds || :)"
rule 'no line ends in a blank' "$(grep -nE ' +$' $code $scripts $builds || :)"
rule 'every file ends with a line feed' \
    "$(for file in $code $scripts $builds; do [ -z "$(tail -c 1 "$file")" ] || echo "$file"; done)"
rule 'no file of C is longer than 800 lines' \
    "$(wc -l $code | awk '$2 != "total" && $1 > 800 && $2 !~ /_tables\.h$/ { print $2 ": " $1 " lines" }')"
rule 'comments are /* */' "$(grep -nE '(^|[;{}[:space:]])//( |$)' $code || :)"
rule 'every header has #pragma once' \
    "$(for file in $(find engine plugin ui tests -name '*.h'); do grep -q '^#pragma once' "$file" || echo "$file"; done)"
rule 'the engine neither prints nor ends the process' \
    "$(grep -nE '\b(printf|puts|putchar|fputs|perror|exit|abort)[[:space:]]*\(' \
        $(find engine -name '*.c' -not -path 'engine/cli/*') | grep -vE 'sn?printf' || :)"
rule 'numbers do not go through the locale in the engine' \
    "$(grep -nE '\b(strto[dfl]d?|atof|setlocale)[[:space:]]*\(|scanf.*%[0-9.]*l?[efg]' \
        $(find engine -name '*.c' -not -path 'engine/base/number.c') | grep -vE 'strtoll?[[:space:]]*\(' || :)"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
