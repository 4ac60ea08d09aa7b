#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Who may include what: check_layers.sh [TREE].  Each rule is one test; a breach is named with file and line.
#
#   plugin -> ui -> GTK, engine/base     run -> networks, sample, edit -> the face of compute -> base
#   plugin -> engine/*.h, engine/base    run -> text, files    networks -> weights -> files -> compute/tensor.h
#   procedures -> dialog, unattended -> insertion -> run -> record, job -> settings, models -> canvas (in plugin/)
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
        '($2 == folder || (folder == "plugin" && index($2, "plugin/") == 1)) && $3 !~ /^</ && $3 !~ allowed { print $1 " includes " $3 }')"
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

# Files that match FILES include nothing of ours that matches FOUND.
keep_from() # FILES FOUND RULE
{
    report "$3" "$(printf '%s\n' "$all" | awk -v files="^($1):" -v found="^($2)" \
        '$1 ~ files && $3 ~ found { print $1 " includes " $3 }')"
}

# A noun is a header with its source: below FOLDER none needs itself by way of others.
no_circle() # FOLDER RULE
{
    report "$2" "$(printf '%s\n' "$all" | awk -v folder="$1/" \
        'index($1, folder) == 1 && index($3, folder) == 1 {
            sub(/\.[ch]:.*/, "", $1); sub(/\.h$/, "", $3); if ($1 != $3) print $1, $3 }' | tsort 2>&1 >/dev/null |
        grep -v 'contains a loop' || :)"
}

# No file of FOLDERS (a pattern) has CODE in it; files that match BUT may.
never() # FOLDERS CODE BUT RULE
{
    report "$4" "$(find engine -name '*.[ch]' | sort | grep -E "^engine/($1)/" | grep -vE "^($3)$" |
        xargs -r grep -nHE "$2" | sed -E 's/^([^:]*:[0-9]+):[[:space:]]*/\1 has: /')"
}

all=$(includes)
[ -n "$all" ] || { echo "there are no sources in $tree"; echo '0 passed, 1 failed'; exit 1; }

forbid engine '(glib|gio|gobject|gtk|gdk|gegl|babl|libgimp)' 'engine/ is plain C: no GLib, GTK or GIMP'
forbid ui '(libgimp|gegl|babl)' 'ui/ knows GTK and nothing of GIMP'
may_include ui 'ui/|engine/base/' 'ui/ includes nothing else of ours but the words of base/'
may_include plugin 'plugin/|ui/|engine/[^/]+$|engine/base/|engine/text/prompt\.h' 'plugin/ sees the public headers of engine/, and of text/ the prompt'
may_include plugin/settings 'plugin/settings/|plugin/(canvas|intl)\.h|engine/[^/]+$|engine/base/' 'settings/ is below run'
may_include plugin/models 'plugin/models/|plugin/intl\.h|engine/[^/]+$|engine/base/' 'models/ is below run, and knows no settings'
keep_from 'plugin/(models/.*|settings/.*|canvas|failure|job|record|run|insertion|unattended|readers|bad)\.[ch]' 'plugin/dialog/' 'dialog/ is above run'
keep_from 'plugin/dialog/.*' 'plugin/(unattended|procedures|readers|regenerate)\.h' 'dialog/ is not called by what it calls'
no_circle plugin 'the nouns of plugin/ go one way'
may_include engine/base 'engine/base/' 'base/ includes nothing else of ours'
may_include engine/text 'engine/(text|base)/' 'text/ calls base/'
may_include engine/compute 'engine/(compute|base)/' 'compute/ calls base/'
may_include engine/compute/cpu 'engine/(compute|base)/' 'compute/cpu/ is behind the face of compute/'
may_include engine/files 'engine/(files|base)/|engine/compute/tensor\.h' 'files/ knows only tensors and base/'
may_include engine/weights 'engine/(weights|files|base)/|engine/compute/tensor\.h' 'weights/ calls files/'
may_include engine/networks 'engine/(networks|weights|files|base)/|engine/compute/[^/]+$' 'networks/ call weights/ and the face of compute/'
may_include engine/sample 'engine/(sample|base)/|engine/compute/[^/]+$' 'sample/ calls the face of compute/'
may_include engine/edit 'engine/(edit|base)/|engine/compute/[^/]+$|engine/(edit|engine)\.h' 'edit/ calls the face of compute/ and the public header'
may_include engine/run 'engine/(run|base|text|files|weights|networks|sample|edit)/|engine/compute/[^/]+$|engine/[^/]+\.h' 'run/ calls the face of compute/ and includes nothing of cli/, ui/ and plugin/'
may_include engine/cli 'engine/(cli|run|base|text|files|weights|networks|sample|edit)/|engine/compute/[^/]+$|engine/[^/]+\.h' 'cli/ calls the face of compute/ and includes nothing of ui/ and plugin/'
may_include engine 'engine/base/|engine/[^/]+\.h' 'the public headers stand on base/'
only_in 'engine/compute/cpu/blas\.c' '(dlfcn|cblas)\.h' 'dlfcn.h is included by compute/cpu/blas.c only'
only_in 'engine/files/json\.c' '(cjson/)?cJSON\.h' 'cJSON.h is included by files/json.c only'
only_in 'engine/files/png[a-z_]*\.c' 'png\.h' 'png.h is included by files/png.c only'
only_in 'engine/files/map\.c|engine/compute/cpu/cpu\.c' 'sys/mman\.h' 'sys/mman.h is included by files/map.c and compute/cpu/cpu.c only'
only_in 'engine/files/jpeg\.c' 'j(peglib|error)\.h' 'jpeglib.h is included by files/jpeg.c only'
only_in 'engine/files/webp\.c' 'webp/.*' 'webp/ is included by files/webp.c only'
only_in 'engine/files/picture_file\.c' 'lcms2\.h' 'lcms2.h is included by files/picture_file.c only'
only_in 'engine/compute/threads\.c' 'pthread\.h' 'pthread.h is included by compute/threads.c only'

# Numbers in a device's memory are the device's: above it a tensor is a handle (compute/tensor.h).
never 'networks|sample|run|cli' '(\.|->)memory([^_a-z]|$)|DeviceMemory|cpu_[a-z]+|tensor_at *\(' none 'nobody above the face of compute/ looks into a tensor'
never 'networks|sample' '(^|[^t ]) *float +\*' 'engine/sample/noise\.[ch]|engine/networks/config[a-z_]*\.[ch]' 'networks/ and sample/ hold no numbers of activations themselves'
never 'networks' 'compute_dry *\(|rehearses' none 'networks/ do not know whether they are rehearsed'

# The rules can fail: one file that breaks them all, in each folder it may stand in.
if [ $# -eq 0 ]; then
    broken=$(mktemp -d)
    trap 'rm -rf "$broken"' EXIT
    for folder in engine/base engine/text engine/compute engine/compute/cpu engine/files engine/weights engine/networks engine/sample engine/edit engine/run engine/cli ui plugin \
        plugin/dialog plugin/models plugin/settings; do
        mkdir -p "$broken/$folder"
    done
    : >"$broken/plugin/dialog/dialog.h"
    : >"$broken/plugin/unattended.h"
    : >"$broken/plugin/bad.h"
    echo '#include "bad.h"' >"$broken/plugin/run.h"
    : >"$broken/engine/compute/cpu/gemm.h"
    : >"$broken/engine/text/prompt.h"
    for folder in engine engine/base engine/text engine/compute engine/compute/cpu engine/files engine/weights engine/networks engine/sample engine/edit engine/run engine/cli ui plugin \
        plugin/dialog plugin/models plugin/settings; do
        printf '#include %s\n' '"../plugin/run.h"' '"../../plugin/run.h"' '"compute/cpu/gemm.h"' '"text/prompt.h"' '"dialog/dialog.h"' '"unattended.h"' '<glib.h>' \
            '<libgimp/gimp.h>' '<dlfcn.h>' '<cJSON.h>' '<sys/mman.h>' '<pthread.h>' '<png.h>' '<jpeglib.h>' \
            '<webp/decode.h>' '<lcms2.h>' >"$broken/$folder/bad.c"
        printf '%s\n' 'float *x = cpu_data(y);' 'if (!compute_dry(compute)) memcpy(y.memory, x.memory, 4);' >>"$broken/$folder/bad.c"
    done
    verdict=$(sh "$0" "$broken" | tail -n 1)
    rules=$((passed + failed))
    [ "$verdict" = "0 passed, $rules failed" ] || breach="a tree that breaks $rules rules: $verdict"
    report 'a broken tree breaks every rule' "${breach:-}"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
