#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Who may include what: check_layers.sh [TREE].  Each rule is one test; a breach is named with file and line.
#
#   plugin -> ui -> GTK        engine/*.c -> model, sample, edit -> math
#   plugin -> engine/*.h       engine/*.c -> files, text         model -> files -> math/tensor.h
set -eu
tree=${1:-$(dirname "$0")/..}
cd "$tree"
passed=0
failed=0

# Every include of the tree as "FILE:LINE FOLDER FOUND": FOUND is the path within the tree, or <NAME>.
includes()
{
    find engine plugin ui -name '*.[ch]' | sort | while read -r file; do
        grep -nE '^[[:space:]]*#[[:space:]]*include' "$file" | sed 's/[[:space:]]//g' |
            sed -nE 's/^([0-9]+):#include([<"])([^>"]+)[>"].*/\1 \2 \3/p' |
            while read -r line kind name; do
                folder=${file%/*}
                found="<$name>"
                if [ "$kind" = '"' ]; then
                    for from in "$folder" engine engine/.. ui plugin; do
                        if [ -f "$from/$name" ]; then
                            found=$(printf '%s\n' "$from/$name" | sed -E ':a; s#(^|/)[^/.][^/]*/\.\./#\1#; ta')
                            break
                        fi
                    done
                fi
                echo "$file:$line $folder $found"
            done
    done
}

report() # RULE BREACHES
{
    if [ -z "$2" ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        printf '%s\n' "$2" | sed 's/^/     /'
    fi
}

# Of our own files, FOLDER includes only what matches ALLOWED (a pattern for paths in the tree).
may_include() # FOLDER ALLOWED RULE
{
    report "$3" "$(printf '%s\n' "$all" | awk -v folder="$1" -v allowed="^($2)" \
        '$2 == folder && $3 !~ /^</ && $3 !~ allowed { print $1 " includes " $3 }')"
}

# Nothing under FOLDER includes a system header that matches HEADERS.
forbid() # FOLDER HEADERS RULE
{
    report "$3" "$(printf '%s\n' "$all" | awk -v folder="$1" -v headers="^<($2)" \
        'index($2 "/", folder "/") == 1 && $3 ~ headers { print $1 " includes " $3 }')"
}

# HEADERS are included by the files that match FILES only.
only_in() # FILES HEADERS RULE
{
    report "$3" "$(printf '%s\n' "$all" | awk -v files="^($1):" -v headers="^<($2)>" \
        '$3 ~ headers && $1 !~ files { print $1 " includes " $3 }')"
}

all=$(includes)
[ -n "$all" ] || { echo "there are no sources in $tree"; echo '0 passed, 1 failed'; exit 1; }

forbid engine '(glib|gio|gobject|gtk|gdk|gegl|babl|libgimp)' 'engine/ is plain C: no GLib, GTK or GIMP'
forbid ui '(libgimp|gegl|babl)' 'ui/ knows GTK and nothing of GIMP'
may_include ui 'ui/' 'ui/ includes nothing else of ours'
may_include plugin 'plugin/|ui/|engine/[^/]+$|engine/text/prompt\.h' 'plugin/ sees the public headers of engine/, and of text/ the prompt'
may_include engine/text 'engine/text/|engine/error\.h' 'text/ calls nobody but error.h'
may_include engine/math 'engine/math/|engine/error\.h' 'math/ is below everything'
may_include engine/files 'engine/files/|engine/(error|engine)\.h|engine/math/tensor\.h' 'files/ is below model/ and knows only tensors and pictures'
may_include engine/model 'engine/model/|engine/math/|engine/files/|engine/error\.h' 'model/ calls math/ and files/'
may_include engine/sample 'engine/sample/|engine/math/|engine/(error|engine)\.h' 'sample/ calls math/'
may_include engine/edit 'engine/edit/|engine/math/|engine/(error|edit|engine)\.h' 'edit/ calls math/'
may_include engine/cli 'engine/cli/|engine/' 'cli/ includes nothing of ui/ and plugin/'
may_include engine 'engine/([^c]|c[^l]|cl[^i])' 'engine/ includes nothing of cli/, ui/ and plugin/'
only_in 'engine/math/gemm\.c' 'cblas\.h' 'cblas.h is included by math/gemm.c only'
only_in 'engine/files/json\.c' '(cjson/)?cJSON\.h' 'cJSON.h is included by files/json.c only'
only_in 'engine/files/png[a-z_]*\.c' 'png\.h' 'png.h is included by files/png.c only'
only_in 'engine/files/map\.c|engine/math/arena\.c' 'sys/mman\.h' 'sys/mman.h is included by files/map.c and math/arena.c only'
only_in 'engine/math/threads\.c' 'pthread\.h' 'pthread.h is included by math/threads.c only'

# The rules can fail: one file that breaks them all, in each folder it may stand in.
if [ $# -eq 0 ]; then
    broken=$(mktemp -d)
    trap 'rm -rf "$broken"' EXIT
    for folder in engine/text engine/math engine/files engine/model engine/sample engine/edit engine/cli ui plugin; do
        mkdir -p "$broken/$folder"
    done
    : >"$broken/plugin/run.h"
    : >"$broken/engine/math/gemm.h"
    : >"$broken/engine/text/prompt.h"
    for folder in engine engine/text engine/math engine/files engine/model engine/sample engine/edit engine/cli ui plugin; do
        printf '#include %s\n' '"../plugin/run.h"' '"../../plugin/run.h"' '"math/gemm.h"' '"text/prompt.h"' '<glib.h>' \
            '<libgimp/gimp.h>' '<cblas.h>' '<cJSON.h>' '<sys/mman.h>' '<pthread.h>' '<png.h>' >"$broken/$folder/bad.c"
    done
    verdict=$(sh "$0" "$broken" | tail -n 1)
    rules=$((passed + failed))
    [ "$verdict" = "0 passed, $rules failed" ] || breach="a tree that breaks $rules rules: $verdict"
    report 'a broken tree breaks every rule' "${breach:-}"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
