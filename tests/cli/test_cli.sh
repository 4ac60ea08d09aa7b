#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `diffuse` as a person or a script meets it: test_cli.sh DIFFUSE PROJECT [PREFIX].
set -u
script=$(readlink -f "$0")
diffuse=$(readlink -f "$1")
project=$(readlink -f "$2")
only=${3:-}
tests=$(dirname "$script")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0
small='--width 64 --height 64 --steps 2 --seed 3'

# Sanitizers take address space and memory of their own, so that bounds on these say nothing there.
sanitized() { grep -q __asan_init "$diffuse"; }

# A test is a function; it fails when a command in it does that is not expected to.
check() # NAME
{
    case $1 in "$only"*) ;; *) return ;; esac
    # Not in the condition itself: there `set -e` would mean nothing.
    (set -e; "$1") >log 2>&1
    if [ $? -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        sed 's/^/     /' log
    fi
}

# The command fails with this status and one line on standard error that holds this text.
refuses() # STATUS TEXT COMMAND…
{
    want=$1
    text=$2
    shift 2
    status=0
    "$@" 2>stderr >stdout || status=$?
    cat stderr
    [ "$status" -eq "$want" ]
    [ "$(wc -l <stderr)" -eq 1 ]
    grep -qF -e "$text" stderr
}

no_command_shows_the_overview_and_fails()
{
    status=0
    "$diffuse" >out || status=$?
    [ "$status" -eq 2 ]
    grep -q 'diffuse inpaint' out
}

every_command_explains_itself()
{
    for command in txt2img img2img inpaint outpaint instruct seams inspect tokens eval; do
        "$diffuse" $command --help >out
        grep -q "^diffuse $command" out
    done
}

wrong_usage_is_one_sentence_and_status_2()
{
    refuses 2 "'paint' is no command" "$diffuse" paint
    refuses 2 "'--colour'" "$diffuse" txt2img --colour
    refuses 2 "'--steps' lacks its value" "$diffuse" txt2img --steps
    refuses 2 'from 1 to 1000' "$diffuse" txt2img --steps 0
    refuses 2 'from -100 to 100' "$diffuse" txt2img --cfg nan
    refuses 2 "dpmpp_2m_sde" "$diffuse" txt2img --sampler best
    refuses 2 'pixels (128) or a share' "$diffuse" outpaint --left many
    refuses 2 '18446744073709551615' "$diffuse" txt2img --seed 18446744073709551616
}

what_is_missing_is_one_sentence_and_status_1()
{
    refuses 1 'needs a picture' "$diffuse" img2img -p x
    refuses 1 'needs --mask' "$diffuse" inpaint "$project/tests/demo/meadow.png"
    refuses 1 'no PNG, JPEG or WebP picture' "$diffuse" img2img "$project/models/README.md"
    refuses 1 'is empty' "$diffuse" img2img empty.png
    refuses 1 'no-such.safetensors' "$diffuse" txt2img -m no-such.safetensors
    refuses 1 'no-such.png' "$diffuse" img2img no-such.png
    refuses 1 'use 104' "$diffuse" txt2img --width 100
    refuses 1 '8-channel' "$diffuse" instruct "$project/tests/demo/meadow.png" -p x \
        -m "$project/tests/golden/models/sd2.safetensors"
}

# How bright a part of a picture is, in thousandths.
brightness() # PICTURE PART
{
    convert "$1" -alpha off -crop "$2" +repage -format '%[fx:int(1000*mean)]' info:
}

instruction_makes_it_night()
{
    "$diffuse" txt2img -p 'a house in front of green hills' --seed 3 -o house.png --quiet
    "$diffuse" instruct house.png -p 'make it night' --seed 1 -o night.png --quiet
    sky=256x64+0+0 wall=24x12+116+122
    for part in $sky $wall; do
        echo "$part: $(brightness house.png $part), then $(brightness night.png $part)"
    done
    [ "$(brightness house.png $sky)" -gt 450 ]
    [ "$(brightness night.png $sky)" -lt 200 ]
    [ "$(brightness house.png $wall)" -gt 700 ]
    [ "$(brightness night.png $wall)" -gt 700 ]
}

a_model_that_lies_in_two_files_is_one()
{
    base=$project/models/gimp-diffusion-demo.safetensors
    other=$project/models/gimp-diffusion-demo-instruct.safetensors
    few='--steps 1 --seed 1'
    "$diffuse" instruct "$project/tests/demo/meadow.png" -p 'make it night' -m "$base" $few -o a.png 2>said
    grep -q "using $other" said
    "$diffuse" instruct "$project/tests/demo/meadow.png" -p 'make it night' -m "$other" $few -o b.png 2>said
    if grep -q using said; then return 1; fi
    cmp a.png b.png
    "$diffuse" txt2img -p 'a lemon' -m "$other" $small -o a.png 2>said
    grep -q "using $base" said
}

inspect_says_what_a_file_is()
{
    "$diffuse" inspect "$project/models/gimp-diffusion-demo.safetensors" >out
    grep -q 'SD 1.x checkpoint' out
    grep -q 'v-prediction' out
    "$diffuse" inspect --json "$project/models/gimp-diffusion-demo.safetensors" >out
    python3 -c 'import json; d = json.load(open("out")); assert d["runnable"] and d["in_channels"] == 4 and d["prediction"] == "v"'
    "$diffuse" inspect "$project/tests/golden/sample.safetensors"
    refuses 1 'bad.safetensors' "$diffuse" inspect bad.safetensors
    name=$(printf 'red\033[31m\nline.safetensors')
    cp "$project/tests/golden/sample.safetensors" "$name"
    "$diffuse" inspect "$name" >out
    [ "$(head -1 out)" = 'red\x1b[31m\x0aline.safetensors' ]
    printf '\211PNG\n\032\n\0\0' >cut.png
    refuses 1 'cut.png: is a damaged PNG picture' "$diffuse" img2img cut.png -p x
}

inspect_tells_programs_what_a_file_is_good_for()
{
    "$diffuse" inspect --json "$project/tests/golden/models/sd1.safetensors" >out
    python3 - <<'END'
import json
told = json.load(open('out'))
assert told['prediction'] == 'epsilon' and abs(told['sigma_max'] - 14.6146) < 1e-3 and told['sigma_min'] < 0.03, told
assert told['defaults'] == {'steps': 20, 'sampler': 'dpmpp_2m', 'schedule': 'karras', 'cfg': 7}, told
assert told['uses'] == ['txt2img', 'img2img', 'inpaint', 'outpaint', 'seams', '--text-encoder'], told
assert told['lacks'] == [] and told['vae'] == '', told
END
    "$diffuse" inspect --json "$project/tests/golden/models/taesd" >out
    python3 -c 'import json; d = json.load(open("out")); assert d["uses"] == ["--taesd"] and "defaults" not in d, d'
    "$diffuse" inspect --json --vae "$project/tests/golden/models/sd1" \
        "$project/tests/golden/models/sd2.safetensors" >out
    python3 -c 'import json; d = json.load(open("out")); assert d["runnable"] and d["vae"] == "sd1", d'
}

names_of_files_cannot_write_to_the_terminal()
{
    name=$(printf 'a\033[2J\002\351"b.safetensors')
    cp "$project/tests/golden/sample.safetensors" "$name"
    "$diffuse" inspect "$name" >out
    grep -qF 'a\x1b[2J\x02\xe9"b.safetensors' out
    "$diffuse" inspect --json "$name" >out
    python3 -c 'import json; assert json.load(open("out"))["file"] == "a\x1b[2J\x02\ufffd\"b.safetensors"'
    rm "$name"
}

tokens_are_lines_of_77()
{
    "$diffuse" tokens -p 'a dog on a blue background' >out
    [ "$(wc -l <out)" -eq 1 ]
    [ "$(wc -w <out)" -eq 77 ]
    [ "$(cut -d' ' -f1-8 out)" = '49406 320 1929 525 320 1746 5994 49407' ]
    "$diffuse" tokens -p 'a BREAK b' >out
    [ "$(wc -l <out)" -eq 2 ]
}

same_seed_writes_the_same_file()
{
    "$diffuse" txt2img -p 'a lemon' $small -o one.png
    "$diffuse" txt2img -p 'a lemon' $small --threads 1 -o two.png
    cmp one.png two.png
    "$diffuse" txt2img -p 'a lemon' $small --seed 4 -o three.png
    if cmp one.png three.png; then return 1; fi
}

count_numbers_files_and_seeds()
{
    "$diffuse" txt2img -p 'a lemon' $small --count 3 -o many.png --json >out
    "$diffuse" txt2img -p 'a lemon' $small --seed 5 -o last.png
    cmp many-3.png last.png
    python3 -c 'import json; d = json.load(open("out")); assert d["files"] == ["many.png", "many-2.png", "many-3.png"] and d["seed"] == 3 and d["noise"] == "gpu"'
}

stages_hold_noise_conditions_latents_and_picture()
{
    "$diffuse" txt2img -p 'a lemon' $small --count 2 --save-stages stages.safetensors -o x.png
    python3 - <<'END'
import json, struct
data = open("stages.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
shapes = {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
assert shapes["noise"] == shapes["latents.0"] == shapes["latents.2"] == [2, 4, 8, 8], shapes
assert shapes["cond"][1:] == shapes["uncond"][1:] == [77, 128] and shapes["picture"] == [2, 3, 64, 64], shapes
assert "latents.3" not in shapes
END
}

# The offset was applied twice: all of what was there changed.
outpaint_fills_a_clear_border_and_keeps_the_picture()
{
    python3 "$tests/png_pixels.py" border border.png
    "$diffuse" outpaint border.png -p 'a meadow' --steps 2 --seed 1 -o filled.png
    python3 "$tests/png_pixels.py" check_border filled.png
    "$diffuse" outpaint border.png -p 'a meadow' --left 64 --steps 2 --seed 1 -o wider.png 2>said
    grep -q 'clear border of the picture is filled as well: left 50, top 40 pixels' said
    python3 "$tests/png_pixels.py" check_border wider.png 64
}

image_to_image_at_low_strength_keeps_a_flat_colour()
{
    python3 "$tests/png_pixels.py" flat flat.png
    "$diffuse" img2img flat.png -p 'a meadow' --strength 0.1 --steps 10 --seed 1 -o same.png
    python3 "$tests/png_pixels.py" check_flat same.png
}

kept_transparency_is_as_thick_as_it_was()
{
    python3 "$tests/png_pixels.py" glass glass.png mask.png
    "$diffuse" inpaint glass.png --mask mask.png -p 'a lemon' --steps 2 --seed 1 \
        --keep-transparency -o kept.png
    python3 "$tests/png_pixels.py" check_glass kept.png
}

edit_changes_nothing_where_the_mask_is_black()
{
    python3 - "$project" <<'END'
import struct, sys, zlib
def chunk(kind, body): return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
def png(path, rows):
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">IIBBBBB", 256, 256, 8, 0, 0, 0, 0)
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
png("mask.png", [[255 if 100 <= x < 160 and 90 <= y < 150 else 0 for x in range(256)] for y in range(256)])
END
    "$diffuse" inpaint "$project/tests/demo/meadow.png" --mask mask.png -p 'a lemon' --steps 2 --seed 1 \
        --edge-mode keep-inside -o new.png
    "$diffuse" img2img "$project/tests/demo/meadow.png" --strength 0 -o same.png
    python3 - "$project/tests/demo/meadow.png" <<'END'
import struct, sys, zlib
def pixels(path):
    data, at, idat = open(path, "rb").read(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR": w, h, depth, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT": idat += body
        at += size + 12
    n = {0: 1, 2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(idat), [], [0] * (w * n)
    for y in range(h):
        line = list(raw[y * (w * n + 1):(y + 1) * (w * n + 1)])
        kind, row = line[0], line[1:]
        for i in range(w * n):
            a, b, c = row[i - n] if i >= n else 0, before[i], before[i - n] if i >= n else 0
            p = a + b - c
            paeth = a if abs(p - a) <= min(abs(p - b), abs(p - c)) else b if abs(p - b) <= abs(p - c) else c
            row[i] = (row[i] + [0, a, b, (a + b) // 2, paeth][kind]) & 255
        rows.append([tuple(row[i:i + 3]) for i in range(0, w * n, n)])
        before = row
    return rows
old, new, same = pixels(sys.argv[1]), pixels("new.png"), pixels("same.png")
outside = [(x, y) for y in range(256) for x in range(256) if not (100 <= x < 160 and 90 <= y < 150)]
assert all(old[y][x] == new[y][x] for x, y in outside)
assert old != new
assert old == same
END
}

formats_go_by_the_ending_and_by_the_content()
{
    for name in a.png a.jpg a.webp; do
        "$diffuse" txt2img -p 'a lemon' $small --parameters -o $name
        mv $name same
        "$diffuse" img2img same --strength 0 -o back.png
    done
    head -c 3 same | grep -q RIF
    refuses 1 'name it .png' "$diffuse" txt2img -p x $small -o a.bmp
    refuses 1 'name it .png' "$diffuse" txt2img -p x $small -o a
    [ ! -e a ] && [ ! -e a.bmp ]
}

a_dash_is_standard_output()
{
    "$diffuse" txt2img -p 'a lemon' $small -o - >piped.png
    "$diffuse" txt2img -p 'a lemon' $small -o named.png
    cmp piped.png named.png
    refuses 1 'one picture' "$diffuse" txt2img -p x $small --count 2 -o -
    refuses 1 'not both' "$diffuse" txt2img -p x $small --json -o -
}

interrupt_keeps_what_is_finished()
{
    "$diffuse" txt2img -p x --width 256 --height 256 --steps 40 --seed 3 --count 20 -o finished.png \
        2>stderr >stdout &
    child=$!
    tries=0
    while [ ! -e finished.png ] && [ $tries -lt 600 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -TERM $child
    status=0
    wait $child || status=$?
    cat stderr stdout
    [ "$status" -eq 130 ]
    grep -q 'of 20 pictures were written' stderr
    [ ! -e finished-20.png ]
    grep -q 'finished.png  256 x 256, seed 3' stdout
}

inpaint_takes_what_is_transparent_as_the_mask()
{
    "$diffuse" txt2img -p 'a lemon' --width 256 --height 256 --steps 1 --seed 1 -o base.png
    python3 "$project/tests/cli/make_png.py" hole base.png hole.png
    "$diffuse" inpaint hole.png -p 'a lemon' --steps 2 --seed 1 -o filled.png
    cmp hole.png filled.png && return 1
    refuses 1 'transparent in places' "$diffuse" inpaint hole.png -p x --steps 1 --layer -o layer.jpg
    [ ! -e layer.jpg ]
}

# Seconds and megabytes that a command may take: within SECONDS MEGABYTES COMMAND…
within()
{
    python3 "$project/tests/cli/within.py" "$@"
}

small_files_that_unpack_to_much_are_refused_at_once()
{
    python3 "$project/tests/cli/make_png.py" bombs
    for bomb in bomb-*.png; do
        echo "$bomb: $(wc -c <"$bomb") bytes"
        within 2 300 "$diffuse" img2img "$bomb" -p x --strength 0 -o bombed.png
    done
}

a_large_picture_with_a_small_mask_stays_below_800_megabytes()
{
    python3 "$project/tests/cli/make_png.py" large
    within 60 $(sanitized && echo 4000 || echo 800) "$diffuse" inpaint large.png --mask large-mask.png -p 'a lemon' --steps 1 --seed 1 -o out.png
    [ -s out.png ]
}

interrupt_writes_nothing()
{
    "$diffuse" txt2img -p x --width 512 --height 512 --steps 1000 -o never.png &
    child=$!
    sleep 1
    kill -TERM $child
    status=0
    wait $child || status=$?
    [ "$status" -eq 130 ]
    [ ! -e never.png ]
}

output_that_cannot_be_written_is_said()
{
    refuses 1 'no-such-folder/x.png' "$diffuse" txt2img -p x $small -o no-such-folder/x.png
}

# Whatever the limit: help, a picture that is the one without a limit, or a sentence, within seconds.
no_limit_on_memory_makes_it_hang()
{
    ! sanitized || return 0
    "$diffuse" txt2img -p x $small -o free.png
    for kilobytes in 20000 40000 60000 100000 150000 200000 250000 300000 350000 400000 500000 700000 2000000; do
        status=0
        (ulimit -v $kilobytes; timeout -s KILL 10 "$diffuse" --help) >help 2>&1 || status=$?
        [ "$status" -eq 0 ] || [ "$kilobytes" -lt 40000 ] # less than the C library and libpng take
        rm -f limited.png
        status=0
        (ulimit -v $kilobytes; timeout -s KILL 30 "$diffuse" txt2img -p x $small -o limited.png) >out 2>err || status=$?
        echo "$kilobytes: status $status: $(cat err)"
        case $status in
            0) cmp free.png limited.png ;;
            1) [ "$(wc -l <err)" -eq 1 ] && [ ! -e limited.png ] ;;
            127) [ "$kilobytes" -lt 40000 ] ;;
            *) false ;;
        esac
    done
    [ "$status" -eq 0 ]
}

eval_computes_what_is_there()
{
    refuses 1 'nothing to compute' "$diffuse" eval "$project/models/gimp-diffusion-demo.safetensors" \
        "$project/tests/golden/sample.safetensors" out.safetensors
}

printf 'not a model at all' >bad.safetensors
: >empty.png
for name in $(sed -nE 's/^([a-z0-9_]+)\(\)$/\1/p' "$script"); do
    case $name in check | refuses | brightness | within) ;; *) check "$name" ;; esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
