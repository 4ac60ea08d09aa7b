# SPDX-License-Identifier: GPL-3.0-or-later
# Read by in_gimp.sh: GIMP on a screen of its own (Xvfb, openbox, session bus, AT-SPI), then
# test_screen.py.  All of it is started here and ended here, each by its own number.
export XDG_RUNTIME_DIR="$TEST_FOLDER/run" GDK_BACKEND=x11 LIBGL_ALWAYS_SOFTWARE=1
mkdir -m 700 -p "$XDG_RUNTIME_DIR"
unset NO_AT_BRIDGE
started=()
finish()
{
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
}

exec 7>"$TEST_FOLDER/display"
Xvfb -displayfd 7 -screen 0 1366x768x24 -nolisten tcp >"$TEST_FOLDER/xvfb.log" 2>&1 &
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
gimp-3 --no-splash --no-data >"$TEST_FOLDER/gimp.out" 2>"$TEST_FOLDER/gimp.log" &
started+=($!)
python3 "$TEST_SOURCE/${TEST_ON_SCREEN:-test_screen.py}" 2>&1 | tee "$TEST_FOLDER/output" || true
[ -z "${TEST_SCREENSHOTS:-}" ] || cp "$TEST_FOLDER"/*.png "$TEST_SCREENSHOTS" 2>/dev/null || true
finish
