# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: GIMP on a screen of its own (Xvfb, openbox, session bus, AT-SPI), then
# $TEST_ON_SCREEN (test_screen.py).  All of it is started here and ended here, each by its own number.
# $TEST_SCREEN is the size of it, $TEST_GIMP_OPTIONS are for GIMP; pictures go to out/screenshots, or to $TEST_SCREENSHOTS.
export XDG_RUNTIME_DIR="$TEST_FOLDER/run" GDK_BACKEND=x11 LIBGL_ALWAYS_SOFTWARE=1
mkdir -m 700 -p "$XDG_RUNTIME_DIR"
export GIMP_DIFFUSION_SLOW_FILES="$TEST_FOLDER/slow" # models are opened as from a slow drive while it is there
unset NO_AT_BRIDGE
started=()
# GIMP goes first; what has not ended after 5 s is not asked again.
finish()
{
    local pid i
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill "${started[i]}" 2>/dev/null || true
    done
    for ((i = 0; i < 50; i++)); do
        for pid in "${started[@]}"; do
            ! kill -0 "$pid" 2>/dev/null || { sleep 0.1; continue 2; }
        done
        break
    done
    for pid in "${started[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
}

exec 7>"$TEST_FOLDER/display"
Xvfb -displayfd 7 -screen 0 "${TEST_SCREEN:-1366x768}x24" -nolisten tcp >"$TEST_FOLDER/xvfb.log" 2>&1 &
started+=($!)
for _ in $(seq 100); do
    [ -s "$TEST_FOLDER/display" ] && break
    sleep 0.1
done
export DISPLAY=":$(cat "$TEST_FOLDER/display")"
openbox >"$TEST_FOLDER/wm.log" 2>&1 &
started+=($!)
# The address goes to a file: the bus's own descriptor would keep our pipe open.
dbus-daemon --session --nofork --print-address >"$TEST_FOLDER/bus" 2>"$TEST_FOLDER/bus.log" &
started+=($!)
for _ in $(seq 100); do
    [ -s "$TEST_FOLDER/bus" ] && break
    sleep 0.1
done
export DBUS_SESSION_BUS_ADDRESS; DBUS_SESSION_BUS_ADDRESS=$(cat "$TEST_FOLDER/bus")
/usr/libexec/at-spi-bus-launcher --launch-immediately >"$TEST_FOLDER/atspi.log" 2>&1 &
started+=($!)
gimp-3 --no-splash ${TEST_GIMP_OPTIONS---no-data} >"$TEST_FOLDER/gimp.out" 2>"$TEST_FOLDER/gimp.log" &
started+=($!)
python3 "$TEST_SOURCE/${TEST_ON_SCREEN:-test_screen.py}" 2>&1 | tee "$TEST_FOLDER/output" || true
screenshots=${TEST_SCREENSHOTS:-$project/out/screenshots}
mkdir -p "$screenshots"
cp "$TEST_FOLDER"/*.png "$screenshots" 2>/dev/null || true
finish
